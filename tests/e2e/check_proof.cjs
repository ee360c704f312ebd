// Checks a proof from standard input with the public ICS-23 package, then with each byte changed.
const { ics23, verifyMembership } = require("@confio/ics23");

const spec = ics23.ProofSpec.create({
  leafSpec: {
    hash: ics23.HashOp.SHA256,
    prehashKey: ics23.HashOp.SHA256,
    prehashValue: ics23.HashOp.SHA256,
    length: ics23.LengthOp.NO_PREFIX,
    prefix: Uint8Array.from([0]),
  },
  innerSpec: {
    childOrder: [0, 1],
    childSize: 32,
    minPrefixLength: 1,
    maxPrefixLength: 1,
    emptyChild: new Uint8Array(32),
    hash: ics23.HashOp.SHA256,
  },
  maxDepth: 256,
});

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const input = JSON.parse(require("fs").readFileSync(0, "utf8"));
const root = bytes(input.root);
const key = bytes(input.key);
const value = bytes(input.value);

function holds(proof, wantedRoot, wantedValue) {
  try {
    return verifyMembership(ics23.CommitmentProof.decode(proof), spec, wantedRoot, key, wantedValue);
  } catch {
    return false;
  }
}

let tried = 0;
let changed = 0;
for (const which of ["proof", "root", "value"]) {
  const length = bytes(input[which]).length;
  for (let i = 0; i < length; i += 1) {
    const parts = { proof: bytes(input.proof), root: Uint8Array.from(root), value: Uint8Array.from(value) };
    parts[which][i] ^= 0x55;
    tried += 1;
    if (holds(parts.proof, parts.root, parts.value)) changed += 1;
  }
}
console.log(JSON.stringify({ right: holds(bytes(input.proof), root, value), changed, tried }));
