"""Event files for TensorBoard, which the report's curves are drawn from too."""

from jaxrec.training.trackers.tracker import Tracker


class TensorboardTracker(Tracker):
  """Event files beside the checkpoints."""

  def writer(self, directory):
    from clu.metric_writers import SummaryWriter

    return SummaryWriter(str(directory))
