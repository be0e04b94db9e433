"""Checks a Tagout bundle with Python's standard library alone. See VERIFY.md.
usage: verify.py BUNDLE --key VKEY [--origin O] [--anchor FILE]
exit:  0 intact, 1 tampered, 2 cannot verify, 64 wrong usage"""
import base64, hashlib, json, os, sys

def need(good, message, fault=ValueError):
    if not good:
        raise fault(message)

# Ed25519 (RFC 8032), slow and short: points are (X, Y, Z, XY/Z).
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, P - 2, P) % P, pow(2, (P - 1) // 4, P)

def point(data):
    n = int.from_bytes(data, "little")
    y, sign = n & ((1 << 255) - 1), n >> 255
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    x = x if (x * x - x2) % P == 0 else x * ROOT % P
    need(y < P and (x * x - x2) % P == 0 and (x or not sign), "not a point of the curve")
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)

def add(a, b):
    p, q = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    r, s = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    return ((q - p) * (s - r) % P, (s + r) * (q + p) % P, (s - r) * (s + r) % P,
            (q - p) * (q + p) % P)

def times(n, a):
    rest = times(n >> 1, add(a, a)) if n else (0, 1, 1, 0)
    return add(rest, a) if n & 1 else rest

BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))

def signed(pub, sig, message):
    s, h = (int.from_bytes(part, "little") for part in (
        sig[32:], hashlib.sha512(sig[:32] + pub + message).digest()))
    u, v = times(s, BASE), add(point(sig[:32]), times(h % L, point(pub)))
    same = (u[0] * v[2] - v[0] * u[2]) % P == 0 and (u[1] * v[2] - v[1] * u[2]) % P == 0
    return len(sig) == 64 and s < L and same

sha = lambda data: hashlib.sha256(data).digest()
b64 = lambda data: base64.b64encode(data).decode()
key_id = lambda name, kind, pub: sha(name.encode() + b"\n" + bytes([kind]) + pub)[:4]

def open_note(note, name, pub):
    text, _, lines = note.rpartition("\n\n")
    text, plain, time = text + "\n", False, None
    for line in lines[:-1].split("\n"):
        dash, who, blob = line.split(" ")
        raw = base64.b64decode(blob, validate=True)
        need(dash == "—" and b64(raw) == blob, "a note is malformed")
        if who == name and raw[:4] == key_id(name, 1, pub):
            plain = signed(pub, raw[4:], text.encode())
            need(plain, "a note's signature is wrong")
        elif who == name and raw[:4] == key_id(name, 4, pub):
            time = int.from_bytes(raw[4:12], "big")
            line = b"cosignature/v1\ntime %d\n" % time + text.encode()
            need(signed(pub, raw[12:], line), "a note's signed time is wrong")
    need(plain and note.endswith("\n"), "a note is not signed by the given key")
    return text, time

def heads_of(path, name, pub, origin):
    text = open(path, encoding="utf-8", newline="").read()
    parts, heads = text[:-1].split("\n\n"), []
    need(text.endswith("\n") and len(parts) % 2 == 0, "checkpoints are cut")
    for i in range(0, len(parts), 2):
        signed_text, time = open_note(parts[i] + "\n\n" + parts[i + 1] + "\n", name, pub)
        who, size, root = signed_text[:-1].split("\n")
        need(who == origin and time is not None, "a checkpoint is of another log or has no time")
        heads.append((int(size), base64.b64decode(root, validate=True), time * 1000))
    return heads

def check_files(folder, name, pub, origin):
    manifest = open(os.path.join(folder, "manifest.json"), "rb").read()
    note = open(os.path.join(folder, "manifest.json.note"), encoding="utf-8", newline="").read()
    text = "tagout-manifest/v1\n%s\n%s\n" % (origin, hashlib.sha256(manifest).hexdigest())
    need(open_note(note, name, pub)[0] == text, "manifest.json is not the one that was signed")
    files = {row["name"]: row["sha256"] for row in json.loads(manifest)["files"]}
    paths = [os.path.join(base, name) for base, _, names in os.walk(folder) for name in names]
    shorts = {os.path.relpath(path, folder).replace(os.sep, "/") for path in paths}
    for short in shorts - {"manifest.json", "manifest.json.note"}:
        digest = sha(open(os.path.join(folder, short), "rb").read()).hex()
        need(files.pop(short, None) == digest, short + " is not the file that was signed")
    need(not files, "missing: " + ", ".join(sorted(files)), OSError)

FREE = {"accepted", "break-glass", "break-glass-over", "nothing-new", "rollback-allowed",
        "rollback-approved"}

def allows(event):
    made, opinions = event["decision"], event["decision"]["opinions"]
    good = all(row["verdict"] == "allow" for row in [made, *opinions])
    cut = any(row["path"] in ("decision.counted", "…") for row in event["cuts"])
    met = made["needed"] and all(row["counted"] >= row["count"] for row in made["needed"])
    return good and (FREE & {row["code"] for row in opinions} or met and (made["counted"] or cut))

def texts_of(data):
    rows = [json.loads(line) for line in data.splitlines()]
    texts = [json.dumps({key: row[key] for key in ("leaf", "path", "salt", "value")},
                        ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows]
    need("".join(texts).encode() == data, "a personal text is malformed")
    return rows[::-1]

def check_text(event, index, row):
    salt, found = base64.b64decode(row["salt"], validate=True), event
    for part in row["path"].split("."):
        found = ({str(n): v for n, v in enumerate(found)} if type(found) is list else found)[part]
    need(b64(salt) == row["salt"] and found == {"c": b64(sha(salt + row["value"].encode()))},
         "row %d: its text %s was changed" % (index, row["path"]))

def check_event(event, index, window, allowed, seen):
    need(window[0] - 30000 <= event["recordedAtMs"] <= window[1] + 30000, "row %d: time" % index)
    keys = {event["eventId"], "key " + event["dedupeKey"]}
    need(not keys & seen, "row %d was recorded before" % index)
    seen |= keys
    subject, effect = event["subject"], event.get("effect", {})
    if event["kind"] == "decision.made" and subject["kind"] == "deployment" and allows(event):
        allowed[event["eventId"]] = (index, subject)
    if (event["outcome"], effect.get("kind")) == ("done", "review-deployment"):
        at, what = allowed.get(event["links"]["decision"], (index, None))
        need(effect["state"] != "approved" or (what == subject and at < window[2]),
             "row %d releases what no sealed decision allowed" % index)

def check_log(folder, heads, anchors, installation):
    need(all(a[0] < b[0] and a[2] <= b[2] for a, b in zip(heads, heads[1:])), "checkpoint order")
    marks, stack, size, at, allowed, seen = sorted(heads + anchors), [], 0, 0, {}, set()
    texts = texts_of(open(os.path.join(folder, "details.jsonl"), "rb").read())
    for line in open(os.path.join(folder, "events.jsonl"), "rb"):
        while at < len(heads) - 1 and heads[at][0] <= size:
            at += 1
        before, event = (heads[at - 1] if at else (0, b"", 0)), json.loads(line)
        need(event["installationId"] == installation, "row %d is of another log" % size)
        check_event(event, size, (before[2], heads[at][2], before[0]), allowed, seen)
        while texts and texts[-1]["leaf"] | 0 == size:
            check_text(event, size, texts.pop())
        node, rest, size = sha(b"\0" + line[:-1]), size, size + 1
        while rest & 1:
            node, rest = sha(b"\1" + stack.pop() + node), rest >> 1
        stack.append(node)
        while marks and marks[0][0] == size:
            root = stack[-1]
            for left in reversed(stack[:-1]):
                root = sha(b"\1" + left + root)
            need(root == marks.pop(0)[1], "the first %d rows are not those signed" % size)
    need(not marks and not texts, "rows are missing")
    need(size == heads[-1][0], "the last rows are under no checkpoint", OSError)
    return size

def main(args):
    given = dict(zip(args[1::2], args[2::2]))
    if "--key" not in given or len(args) % 2 == 0:
        return print(__doc__, file=sys.stderr) or 64
    try:
        name, ident, blob = given["--key"].split("+", 2)
        raw = base64.b64decode(blob)
        pub, origin = raw[1:], given.get("--origin", name)
        need(raw[:1] + key_id(name, 1, pub) == b"\1" + bytes.fromhex(ident), "a bad key", OSError)
        check_files(args[0], name, pub, origin)
        heads = heads_of(os.path.join(args[0], "checkpoints.txt"), name, pub, origin)
        anchors = heads_of(given["--anchor"], name, pub, origin) if "--anchor" in given else []
        rows = check_log(args[0], heads, anchors, int(origin.rsplit("/", 1)[1]))
        return print("INTACT: %d rows (event schemas: see npx tagout verify)" % rows) or 0
    except Exception as error:
        code = 2 if isinstance(error, OSError) else 1
        return print("%s: %s" % (["", "TAMPERED", "CANNOT VERIFY"][code], error)) or code

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
