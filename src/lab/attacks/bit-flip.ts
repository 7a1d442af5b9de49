/**
 * One bit of a recorded authenticator, flipped where nobody looks.
 *
 * An authenticator ends in a nonce of 16 random bytes, so that its last block but one lies inside the nonce,
 * however long the names before it are.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { EncryptedDataSchema } from "../../gen/kerberos/v1/encryption_pb.js";
import { type Attack, attempt } from "./attack.js";
import { sendAccess } from "./means/access.js";
import { listenTo } from "./means/listening.js";

const BLOCK = 8;

/** The row. */
export const bitFlip: Attack = {
  name: "bit-flip",
  title: "One bit of a recorded authenticator, flipped",
  topic: "unauthenticated encryption",
  has: "what travels on the wire",
  lesson:
    "V remembers the ciphertext of each authenticator it took. Under ECB mallory can make another " +
    "ciphertext of the same authenticator: a flipped bit garbles its own block of 8 bytes and no other, " +
    "and the block she picks lies within the nonce, which is random anyway. V opens it, finds name, time " +
    "and checksum as alice made them, does not find it in its replay cache, and does what alice asked for " +
    "once more, though she has changed her mind since. Under DES_CBC_MD5 a flipped bit garbles one block " +
    "and flips a bit of the next; a cipher that is only chained would let an attacker choose that bit. But " +
    "the MD5 inside covers both. Under AES the HMAC is over the ciphertext, and no bit can be flipped " +
    "unnoticed.",
  expected: {
    "textbook-ecb": "ALLOWED",
    textbook: ["KRB_AP_ERR_BAD_INTEGRITY", "V"],
    standard: ["KRB_AP_ERR_BAD_INTEGRITY", "V"],
  },
  async run(realm, told) {
    const { heard, victim } = await listenTo(realm, realm.users.alice, "meet at noon");
    told('mallory records message (5), in which alice writes the note "meet at noon"');
    await victim.write("meet at midnight");
    told('alice changes her mind: "meet at midnight"');
    const sealed = fromBinary(EncryptedDataSchema, heard.access.authenticator);
    const cipher = Uint8Array.from(sealed.cipher);
    const at = cipher.length - 2 * BLOCK;
    cipher[at]! ^= 1;
    const authenticator = toBinary(EncryptedDataSchema, { ...sealed, cipher });
    told(
      `mallory flips a bit in byte ${at} of the ${cipher.length} of the authenticator, and sends (5) again`,
    );
    return attempt("V", async () => {
      await sendAccess(realm, { ...heard.access, authenticator });
      const note = await victim.read();
      if (note !== "meet at noon") throw new Error(`V answered, but the note is ${JSON.stringify(note)}`);
      return "V did what was asked before: alice's note says “meet at noon” again";
    });
  },
};
