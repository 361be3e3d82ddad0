#!/usr/bin/env bash
# The wheel, as somebody has it who has no clone: built, installed in an
# environment of its own, and trained with from another directory.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export PIP_CONSTRAINT="$PWD/constraints.txt" PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH

# From a copy: what an earlier build left here would be packed, too.
mkdir "$dir/source"
cp -r jaxrec pyproject.toml README.md LICENSE "$dir/source"
cd "$dir"
python3 -m pip wheel -q --no-deps --wheel-dir wheels ./source
rm -r source
python3 -m zipfile -l wheels/*.whl > listing
for file in py.typed presets/news.py report/report.html.j2 serve/page/page.js; do
  grep -q "jaxrec/$file" listing || { echo "not in the wheel: $file" && exit 1; }
done

python3 -m venv venv
wheel=$(echo wheels/*.whl)
venv/bin/pip install -q "${wheel}[demo]"
venv/bin/jaxrec --version
venv/bin/jaxrec train --config=news --workdir=news \
  --config.training.num_steps=20 --config.training.eval_every=20 \
  --config.data.cache_dir=cache | tee output

grep -q '^jaxrec  *0\.' output || { echo 'there is no table' && exit 1; }
test -s news/report.html
venv/bin/python - << 'END'
import json

results = json.load(open('news/results.json'))
assert results['train']['steps'] == 20, results['train']
assert 0 < results['metrics']['auc'] < 1, results['metrics']
print(f"the wheel's training reached AUC {results['metrics']['auc']:.4f}")
END
