/** A secret under ECB, letter by letter, beside a text that is known: equal blocks are a dictionary. */
import { create, toBinary } from "@bufbuild/protobuf";
import { EncryptedDataSchema } from "../../gen/kerberos/v1/encryption_pb.js";
import { etypeByName } from "../../protocol/etypes.js";
import { KeyUsage } from "../../protocol/key-usage.js";
import { type Key, randomKey } from "../../protocol/keys.js";
import type { FileChallenge } from "./challenge.js";
import { base64Lines } from "./letter.js";

/** Every sign that a flag may have stands in it. */
const KNOWN = "the quick brown fox jumps over the lazy dog - 0123456789";

/** What the till sends for a key that was pressed: eight bytes, as long as a block of DES. */
function record(sign: string): string {
  return `key: ${sign}\r\n`;
}

export const equalBlocks: FileChallenge = {
  name: "equal-blocks",
  title: "Equal blocks",
  level: "easy",
  points: 20,
  kind: "files",
  task:
    "A till sends what is typed at it to its service, one record of eight bytes for each key pressed, " +
    "sealed with des-ecb under one key. You recorded two messages. known.b64 is the test line that " +
    "everybody types in the morning; known.txt says which. secret.b64 came a minute later. You have no " +
    "key, and need none: what was typed?",
  hints: [
    "tessera decode --bytes secret.b64 shows the ciphertext in blocks, equal ones under the same letter. " +
      "What does one of them stand for?",
    "Under ECB a block depends on nothing but the key and the eight bytes: the same letter gives the same " +
      "block, in both messages.",
    "Cut both ciphertexts into blocks of eight bytes. Block i of known.b64 is letter i of known.txt: " +
      "make a table of it and read secret.b64 by it. The last block of each is padding.",
  ],
  lesson:
    "ECB hides a block, but not that two blocks are equal; with a little known text that is a " +
    "dictionary. Encryption types with a random confounder and chaining, DES_CBC_MD5 among them, never " +
    "give the same block twice for the same text.",
  make: async (flag) => {
    const key = randomKey(etypeByName("des-ecb")!);
    return {
      "known.txt": `${KNOWN}\n`,
      "known.b64": typed(key, KNOWN),
      "secret.b64": typed(key, `the flag is ${flag}`),
    };
  },
};

function typed(key: Key, text: string): string {
  const records = Buffer.from(Array.from(text, record).join(""));
  const cipher = key.cipher.encrypt(KeyUsage.REQUEST_DATA, records);
  const data = create(EncryptedDataSchema, { etype: key.etype.etype, cipher });
  return base64Lines(toBinary(EncryptedDataSchema, data));
}
