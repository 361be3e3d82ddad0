"""launch/: what the scripts print is what they run, and when they run again."""

import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[1]
LAUNCH = ROOT / 'launch'
SCRIPTS = sorted([*LAUNCH.glob('*.sh'), *LAUNCH.glob('*.sbatch')])
BASH = shutil.which('bash')
COREUTILS = ['cat', 'dirname', 'mkdir', 'mktemp', 'sed', 'sleep', 'touch']
# A program's body: ends with 1 after 10 seconds if no signal comes.
WAIT = 'for ((i = 0; i < 200; i++)); do sleep 0.05; done; exit 1'

# Each script's own arguments, before those of jaxrec.main.
OWN = {
  'local_multiprocess.sh': ['2', '3'],
  'slurm.sbatch': [],
  'tpu_vm.sh': ['run'],
}


@pytest.fixture
def bin_dir(tmp_path):
  """A directory of few programs, to be all of PATH."""
  directory = tmp_path / 'bin'
  directory.mkdir()
  for name in ['bash', *COREUTILS]:
    (directory / name).symlink_to(shutil.which(name))
  return directory


@pytest.fixture
def workdir(tmp_path):
  directory = tmp_path / 'work dir'  # A space has to survive all quoting.
  directory.mkdir()
  return directory


def fake(bin_dir, name, body=''):
  """A program that appends its arguments to calls.`name`, as one would type."""
  calls = bin_dir.parent / f'calls.{name}'
  path = bin_dir / name
  path.write_text(
    f'#!{BASH}\n{{ printf "%q " {name} "$@"; echo; }} >>{calls}\n{body}\n'
  )
  path.chmod(0o755)
  return calls


def environment(bin_dir, **more):
  return {
    'PATH': str(bin_dir),
    'HOME': str(bin_dir.parent),
    'TMPDIR': str(bin_dir.parent),
    'NAME': 'news',
    'ZONE': 'here-1',
    **more,
  }


def launch(bin_dir, script, *args, **more):
  return subprocess.run(
    [BASH, str(LAUNCH / script), *args],
    env=environment(bin_dir, **more),
    cwd=ROOT,
    capture_output=True,
    text=True,
    timeout=30,
  )


def commands(text):
  """Lines of shell -> their words, whatever the style of quoting."""
  out = subprocess.run(
    [BASH, '-c', _SPLIT, 'split'],
    input=text,
    capture_output=True,
    text=True,
    check=True,
  ).stdout
  return [c.split('\0')[:-1] for c in out.split('\n\0')[:-1]]


# Each command of stdin runs as a function that prints its words.
_SPLIT = r"""
show() { printf '%s\0' "$@"; printf '\n\0'; }
gcloud() { show gcloud "$@"; }
git() { show git "$@"; }
srun() { show srun "$@"; }
scontrol() { show scontrol "$@"; }
source /dev/stdin
"""


def shellcheck(script):
  here = os.pathsep.join([os.environ['PATH'], os.path.dirname(sys.executable)])
  program = shutil.which('shellcheck', path=here)
  if program is None:
    pytest.skip("no shellcheck: pip install -e '.[test]'")
  done = subprocess.run(
    [program, '-s', 'bash', '-'], input=script, capture_output=True, text=True
  )
  assert done.returncode == 0, done.stdout


@pytest.mark.parametrize('script', SCRIPTS, ids=lambda p: p.name)
def test_scripts_are_clean(script):
  subprocess.run([BASH, '-n', script], check=True)
  shellcheck(script.read_text())


def test_all_scripts_are_tested():
  assert {p.name for p in SCRIPTS} == set(OWN)


@pytest.mark.parametrize('script', OWN)
def test_dry_run_prints_and_runs_nothing(script, bin_dir, workdir):
  args = ['--config=configs/news.py:demo', f'--workdir={workdir}']
  before = set(workdir.parent.iterdir())
  alone = launch(bin_dir, script, '--dry-run', *OWN[script], *args)
  assert alone.returncode == 0, alone.stderr
  assert set(workdir.parent.iterdir()) == before
  assert not any(workdir.iterdir())
  assert 'jaxrec.main' in alone.stdout
  assert '--config=configs/news.py:demo' in alone.stdout
  for name in ('gcloud', 'git', 'srun', 'scontrol', 'python'):
    fake(bin_dir, name)
  beside = launch(bin_dir, script, '--dry-run', *OWN[script], *args)
  if script != 'local_multiprocess.sh':  # Its port is a new one each time.
    assert beside.stdout == alone.stdout
  assert not list(workdir.parent.glob('calls.*'))


@pytest.mark.parametrize('script', ['slurm.sbatch', 'tpu_vm.sh'])
@pytest.mark.parametrize('workdir', [None, 'runs/a', '~/a'])
def test_workdir_has_to_be_absolute(script, workdir, bin_dir):
  """Relative to what, on which host? ~ would be no path to results.json."""
  args = [] if workdir is None else [f'--workdir={workdir}']
  done = launch(bin_dir, script, '--dry-run', *OWN[script], '--config=c', *args)
  assert done.returncode == 2
  assert '--workdir=/ABSOLUTE' in done.stderr
  assert not done.stdout


def test_local_multiprocess(bin_dir, workdir):
  """N processes, told N, their number and one address; the worst code wins."""
  python = (
    'echo "$JAX_PROCESS_ID $JAX_NUM_PROCESSES $JAX_COORDINATOR_ADDRESS '
    f'$XLA_FLAGS" >{shlex.quote(str(workdir))}/$JAX_PROCESS_ID\n'
    '[[ $JAX_PROCESS_ID == 1 ]] && exit 75 || exit 0'
  )
  fake(bin_dir, 'python', python)
  done = launch(
    bin_dir, 'local_multiprocess.sh', '2', '3', '--config=c', PORT='4321'
  )
  assert done.returncode == 75, done.stderr
  for i in range(2):
    assert (workdir / str(i)).read_text().split() == [
      str(i),
      '2',
      'localhost:4321',
      '--xla_force_host_platform_device_count=3',
    ]


# srun's code, results.json there, restarts so far -> requeued, code.
@pytest.mark.parametrize(
  'code, results, restarts, requeued, expected',
  [
    (0, True, 0, False, 0),  # Finished.
    (0, False, 0, True, 0),  # Told to stop.
    (0, False, 99, True, 0),  # However often: each time some steps further.
    (75, False, 0, True, 0),  # A process was lost.
    (137, False, 19, True, 0),
    (137, False, 20, False, 137),  # For ever the same.
    (2, False, 0, False, 2),  # A mistake.
    (75, True, 0, True, 0),  # Of an earlier run, or lost while ending.
  ],
)
def test_slurm_requeues(
  code, results, restarts, requeued, expected, bin_dir, workdir
):
  sruns = fake(bin_dir, 'srun', f'exit {code}')
  requeues = fake(bin_dir, 'scontrol')
  if results:
    (workdir / 'results.json').touch()
  args = ['--config=c', f'--workdir={workdir}']
  job = {'SLURM_JOB_ID': '7', 'SLURM_RESTART_COUNT': str(restarts)}
  done = launch(bin_dir, 'slurm.sbatch', *args, **job)
  assert done.returncode == expected, done.stderr
  assert requeues.exists() == requeued
  if requeued:
    assert requeues.read_text().split() == ['scontrol', 'requeue', '7']
  dry = launch(bin_dir, 'slurm.sbatch', '--dry-run', *args)
  assert commands(sruns.read_text()) == commands(dry.stdout)


def test_slurm_outside_of_a_job(bin_dir):
  sruns = fake(bin_dir, 'srun')
  done = launch(bin_dir, 'slurm.sbatch', '--config=c', '--workdir=/w')
  assert done.returncode != 0
  assert 'sbatch' in done.stderr
  assert not sruns.exists()


def fake_cloud(bin_dir, gcloud=''):
  """gcloud and git that write one list of calls, in order."""
  calls = fake(bin_dir, 'gcloud', gcloud)
  fake(bin_dir, 'git')
  git = bin_dir / 'git'
  git.write_text(git.read_text().replace('calls.git', 'calls.gcloud'))
  return calls


@pytest.mark.parametrize('spot', ['0', '1'])
@pytest.mark.parametrize(
  'command', ['create', 'install', 'run', 'stop', 'status', 'delete', 'up']
)
def test_tpu_vm_runs_what_it_prints(command, spot, bin_dir, workdir):
  args = [command]
  if command in ('run', 'up'):
    args += ['--config=c', f'--workdir={workdir}', "--note=it's $HOME"]
  dry = launch(bin_dir, 'tpu_vm.sh', '--dry-run', *args, SPOT=spot)
  assert dry.returncode == 0, dry.stderr
  calls = fake_cloud(bin_dir)
  done = launch(bin_dir, 'tpu_vm.sh', *args, SPOT=spot)
  assert done.returncode == 0, done.stderr
  ran = commands(calls.read_text())
  assert commands(dry.stdout) == ran
  for words in ran:
    if words[0] == 'gcloud':
      assert words[1:4] == ['compute', 'tpus', 'tpu-vm']
      assert '--zone=here-1' in words
    if 'create' in words:
      assert ('--spot' in words) == (spot == '1')


def test_tpu_vm_remote_processes(bin_dir, workdir):
  """Arguments arrive whole; a run ends the one before; SIGTERM is sent on."""
  for name in ('grep', 'tail', 'timeout'):
    (bin_dir / name).symlink_to(shutil.which(name))
  home = workdir.parent
  (home / 'jaxrec').mkdir()
  (home / 'venv' / 'bin').mkdir(parents=True)
  # Here is the only worker, and ssh to it is a shell.
  fake_cloud(
    bin_dir,
    f'cd {home}; for a in "$@"; do case $a in --command=*) '
    f'exec {BASH} -c "${{a#--command=}}";; esac; done',
  )
  log = home / 'log'
  fake(
    home / 'venv' / 'bin',
    'python',
    f'trap "echo TERM >>{log}; exit 0" TERM\n'
    f'printf "%s\\n" "$@" started >>{log}\n{WAIT}',
  )
  args = ['--config=c', f'--workdir={workdir}', "--note=it's $HOME"]
  started = ['-m', 'jaxrec.main', '--distributed', *args, 'started']

  def run():
    return subprocess.Popen(
      [BASH, str(LAUNCH / 'tpu_vm.sh'), 'run', *args],
      env=environment(bin_dir),
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
    )

  def logged(lines):
    return log.exists() and log.read_text().splitlines() == lines

  first = run()
  wait_for(lambda: logged(started))
  second = run()
  wait_for(lambda: logged([*started, 'TERM', *started]))
  assert first.wait(timeout=20) == 0
  second.send_signal(signal.SIGTERM)
  assert second.wait(timeout=20) == 0
  assert logged([*started, 'TERM', *started, 'TERM'])


def wait_for(condition):
  for _ in range(400):
    if condition():
      return
    time.sleep(0.025)
  raise AssertionError('waited in vain')


def test_tpu_vm_up_survives_preemption(bin_dir, workdir):
  """READY, lost while it runs, deleted, no capacity once, made, finished."""
  count = bin_dir.parent / 'count'
  gcloud = f"""
step() {{ echo >>{count}.$1; mapfile -t lines <{count}.$1; n=${{#lines[@]}}; }}
case "$*" in
  *describe*) step d; ((n == 1)) && echo READY; ((n == 2)) && echo PREEMPTED ;;
  *jaxrec.main\\ --distributed*) step r; ((n > 1)) || exit 255 ;;
  *create*) step c; ((n > 1)) || exit 1 ;;
esac
exit 0
"""
  calls = fake_cloud(bin_dir, gcloud)
  args = ['up', '--config=c', f'--workdir={workdir}']
  done = launch(bin_dir, 'tpu_vm.sh', *args, RETRY_SECONDS='0')
  assert done.returncode == 0, done.stderr
  verbs = [
    words[4] if words[4] != 'ssh' else words[-1]
    for words in commands(calls.read_text())
    if words[0] == 'gcloud'
  ]
  short = [
    'run'
    if '--distributed' in v
    else 'install'
    if 'pip' in v
    else v.split(' ')[0].removeprefix('--command=')
    for v in verbs
  ]
  assert short == [
    *('describe', 'scp', 'install', 'run'),
    *('describe', 'delete', 'create'),
    *('describe', 'create', 'scp', 'install', 'run', 'test'),
  ]


def test_tpu_vm_up_stops_at_a_mistake(bin_dir, workdir):
  gcloud = 'case "$*" in *"jaxrec.main --distributed"*) exit 2;; esac'
  fake_cloud(bin_dir, gcloud)
  args = ['up', '--config=c', f'--workdir={workdir}']
  assert launch(bin_dir, 'tpu_vm.sh', *args).returncode == 2


@pytest.fixture(scope='module')
def jobset():
  (document,) = yaml.safe_load_all((LAUNCH / 'gke_jobset.yaml').read_text())
  return document


@pytest.fixture(scope='module')
def job(jobset):
  (replicated,) = jobset['spec']['replicatedJobs']
  return replicated


@pytest.fixture(scope='module')
def container(job):
  (only,) = job['template']['spec']['template']['spec']['containers']
  return only


def test_jobset_processes_find_each_other(jobset, job, container):
  assert jobset['apiVersion'] == 'jobset.x-k8s.io/v1alpha2'
  assert jobset['kind'] == 'JobSet'
  spec = job['template']['spec']
  assert spec['completionMode'] == 'Indexed'
  env = {e['name']: e for e in container['env']}
  assert job['replicas'] == 1
  assert spec['completions'] == spec['parallelism']
  assert env['JAX_NUM_PROCESSES']['value'] == str(spec['completions'])
  index = env['JAX_PROCESS_ID']['valueFrom']['fieldRef']['fieldPath']
  assert 'job-completion-index' in index
  host, port = env['JAX_COORDINATOR_ADDRESS']['value'].split(':')
  network = jobset['spec']['network']
  name = f'{jobset["metadata"]["name"]}-{job["name"]}-0-0'
  assert host == f'{name}.{network["subdomain"]}'
  assert network['enableDNSHostnames'] is True
  assert [p['containerPort'] for p in container['ports']] == [int(port)]
  pod = spec['template']['spec']
  mounts = {m['name'] for m in container['volumeMounts']}
  assert mounts == {v['name'] for v in pod['volumes']}
  x, y = pod['nodeSelector']['cloud.google.com/gke-tpu-topology'].split('x')
  chips = container['resources']['limits']['google.com/tpu']
  assert int(x) * int(y) == chips * spec['completions']


def outcome(spec, code, disrupted=False):
  """What Kubernetes does with a failed pod: the first rule that fits."""
  for rule in spec['podFailurePolicy']['rules']:
    codes = rule.get('onExitCodes')
    if codes and codes['operator'] == 'In' and code in codes['values']:
      return rule['action']
    types = [c['type'] for c in rule.get('onPodConditions', [])]
    if disrupted and 'DisruptionTarget' in types:
      return rule['action']
  return 'Count'


def test_jobset_failures(jobset, job, container):
  spec = job['template']['spec']
  assert spec['template']['spec']['restartPolicy'] == 'Never'
  for rule in spec['podFailurePolicy']['rules']:
    codes = rule.get('onExitCodes', {'containerName': container['name']})
    assert codes['containerName'] == container['name']
  assert outcome(spec, 2) == outcome(spec, 2, disrupted=True) == 'FailJob'
  assert outcome(spec, 75) == outcome(spec, 137, disrupted=True) == 'Ignore'
  assert outcome(spec, 1) == outcome(spec, 137) == 'Count'
  policy = jobset['spec']['failurePolicy']
  assert policy['maxRestarts'] > 0
  (rule,) = policy['rules']  # All else restarts, counted.
  assert rule['action'] == 'FailJobSet'
  assert rule['onJobFailureReasons'] == ['PodFailurePolicy']


def pod_command(container, workdir):
  command, *rest = [*container['command'], *container['args']]
  env = {
    'WORKDIR': str(workdir),
    'JAX_PROCESS_ID': '1',
    'JAX_NUM_PROCESSES': '4',
  }
  assert command == 'bash'
  return [BASH, *rest], env


def test_jobset_script_is_clean(container):
  script = container['command'][2]
  assert '$$' not in script and '$(' not in script  # Kubernetes' own syntax.
  shellcheck(script)


@pytest.mark.parametrize(
  'code, results, expected',
  [(0, True, 0), (0, False, 75), (2, False, 2), (75, False, 75), (1, True, 1)],
)
def test_jobset_exit_codes(
  code, results, expected, container, bin_dir, workdir
):
  """No pod ends with 0 before the run has ended."""
  leave = f'touch {shlex.quote(str(workdir))}/results.json' if results else ''
  calls = fake(bin_dir, 'python', f'{leave}\nexit {code}')
  command, env = pod_command(container, workdir)
  env = environment(bin_dir, **env)
  done = subprocess.run(
    command, env=env, capture_output=True, text=True, timeout=30, check=False
  )
  assert done.returncode == expected, done.stderr
  words = shlex.split(calls.read_text())
  assert words[:3] == ['python', '-m', 'jaxrec.main']
  assert words[3:] == [f'--workdir={workdir}', *container['args']]
  assert f'process 1 of 4: python -m jaxrec.main --workdir={workdir} ' in (
    done.stdout
  )
  if results:  # A pod made anew after the end has nothing to wait for.
    calls.unlink()
    assert subprocess.run(command, env=env, timeout=30).returncode == 0
    assert not calls.exists()


def test_jobset_hands_on_sigterm(container, bin_dir, workdir):
  log = workdir / 'log'
  quoted = shlex.quote(str(log))
  fake(
    bin_dir,
    'python',
    f'trap "echo TERM >>{quoted}; exit 0" TERM\n'
    f'echo started >>{quoted}\n{WAIT}',
  )
  command, env = pod_command(container, workdir)
  pod = subprocess.Popen(
    command, env=environment(bin_dir, **env), stdout=subprocess.DEVNULL
  )
  wait_for(log.exists)
  os.kill(pod.pid, signal.SIGTERM)
  assert pod.wait(timeout=20) == 75  # Saved, and to be replaced.
  assert log.read_text().split() == ['started', 'TERM']
