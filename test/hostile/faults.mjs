// Faults that the tests of this folder must find, each one change of dist at one place; and which tests look
// for it.
export const FAULTS = {
  "a skew of a year": {
    file: "protocol/kerberos-time.js",
    find: "    if (Math.abs(offset) <= skew)",
    replace: "    if (Math.abs(offset) <= skew + 31_536_000_000)",
    tests: ["test/hostile/times.test.ts"],
  },
  "a floor dropped: as few iterations as the KDC likes": {
    file: "client/client-etypes.js",
    find: "    if (count !== undefined && count < MIN_ITERATIONS)",
    replace: "    if (count !== undefined && count < 0)",
    tests: ["test/hostile/lying-servers.test.ts"],
  },
  "a name not checked: of ticket and authenticator": {
    file: "protocol/authenticator.js",
    find: "    if (authenticator.client !== ticket.client) {",
    replace: "    if (authenticator.client === '') {",
    tests: ["test/contract/resealed-input.test.ts"],
  },
  "a nonce not checked: of a KDC's reply": {
    file: "protocol/kdc-reply.js",
    find: "    if (!equalBytes(part.nonce, request.nonce))",
    replace: "    if (!equalBytes(part.nonce, part.nonce))",
    tests: ["test/hostile/lying-servers.test.ts"],
  },
  "a decode error leaked": {
    file: "protocol/sealed-part.js",
    find: "        if (error instanceof DecryptionError || error instanceof NotCanonicalError)",
    replace: "        if (error instanceof DecryptionError)",
    tests: ["test/contract/resealed-input.test.ts"],
  },
};
