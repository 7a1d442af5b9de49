/** A recorded login and a list of words: the proof in it tells which word is the password. */
import { randomInt } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import { AuthenticateRequestSchema } from "../../gen/kerberos/v1/authentication_service_pb.js";
import { makeAsReq } from "../../protocol/as-exchange.js";
import { etypeByName } from "../../protocol/etypes.js";
import { defaultStringToKey, keyFromPassword } from "../../protocol/keys.js";
import { parsePrincipal } from "../../protocol/principal.js";
import type { FileChallenge } from "./challenge.js";
import { base64Lines, sealLetterFor } from "./letter.js";
import { pairList } from "./word-list.js";

const BOB = parsePrincipal("bob@EXAMPLE.TEST", "client");

export const guessPassword: FileChallenge = {
  name: "guess-password",
  title: "Guess a password",
  level: "medium",
  points: 20,
  kind: "files",
  task:
    "as-req.b64 is Bob's login, recorded on the way. words.txt has some 4,000 passwords of the kind that " +
    "Bob likes. Nobody answers you and nobody counts your tries: find which it is. letter.b64 is a " +
    "letter to Bob, sealed under his password: tessera decode --principal bob@EXAMPLE.TEST " +
    "--password-file FILE letter.b64",
  hints: [
    "The proof in the request is sealed under the key that is made from Bob's password. How do you " +
      "notice that you have the right key?",
    "Make the key of each word, as the client does, and try to open the proof: the seal tells. " +
      "bench.mjs, in the folder above, has fromBinary, keyFromPassword, etypeByName, defaultStringToKey, " +
      "and open, which gives undefined unless the key fits.",
    "const login = fromBinary(AuthenticateRequestSchema, readBase64(file)); const proof = " +
      "fromBinary(EncryptedDataSchema, login.padata[0].value). Then for each word: key = await " +
      'keyFromPassword(etypeByName("des-cbc-md5"), word, defaultStringToKey("bob@EXAMPLE.TEST")), and ' +
      'open(key, KeyUsage.PA_ENC_TIMESTAMP, "encTimestamp", proof).',
  ],
  lesson:
    "Pre-authentication keeps strangers from asking the AS for something to guess at. Whoever listens to " +
    "a login has it all the same: the proof, like the answer, can be tried off line against a list. What " +
    "helps is a password that is on no list, TLS to the KDC, and a slow string-to-key.",
  make: async (flag, now) => {
    const words = pairList();
    const password = words[randomInt(words.length)]!;
    const key = await keyFromPassword(etypeByName("des-cbc-md5")!, password, defaultStringToKey(BOB));
    const request = makeAsReq(BOB, { etypes: [key.etype.etype] }, key, now);
    return {
      "as-req.b64": base64Lines(toBinary(AuthenticateRequestSchema, request)),
      "words.txt": `${words.join("\n")}\n`,
      "letter.b64": await sealLetterFor(BOB, password, flag),
    };
  },
};
