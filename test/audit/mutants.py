"""Runs the verifier that ships in a bundle over many mutants of it, in one process.
usage: mutants.py BUNDLE --key VKEY < mutants as JSON lines; prints an exit code for each."""
import contextlib, functools, importlib.util, io, json, os, sys

spec = importlib.util.spec_from_file_location("verify", os.path.join(sys.argv[1], "verify.py"))
verify = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verify)
# The same signature over the same bytes is judged once: most mutants leave them alone.
verify.signed = functools.lru_cache(maxsize=None)(verify.signed)

def judge(files):
    before = {}
    try:
        for name, text in files.items():
            path = os.path.join(sys.argv[1], name)
            before[path] = open(path, "rb").read()
            open(path, "wb").write(text.encode())
        with contextlib.redirect_stdout(io.StringIO()):
            return verify.main(sys.argv[1:])
    finally:
        for path, data in before.items():
            open(path, "wb").write(data)

for line in sys.stdin:
    print(judge(json.loads(line)))
