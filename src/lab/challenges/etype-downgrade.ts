/** Two recorded logins of one user, one of them talked down to DES: the cheaper one gives both away. */
import { randomInt } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import { AuthenticateRequestSchema } from "../../gen/kerberos/v1/authentication_service_pb.js";
import { makeAsReq } from "../../protocol/as-exchange.js";
import { etypeByName } from "../../protocol/etypes.js";
import { defaultStringToKey, keyFromPassword } from "../../protocol/keys.js";
import { parsePrincipal } from "../../protocol/principal.js";
import type { FileChallenge } from "./challenge.js";
import { base64Lines, sealLetterFor } from "./letter.js";
import { longList } from "./word-list.js";

const CAROL = parsePrincipal("carol@EXAMPLE.TEST", "client");
const DAY = 86_400_000;

export const etypeDowngrade: FileChallenge = {
  name: "etype-downgrade",
  title: "The weaker of two",
  level: "medium",
  points: 30,
  kind: "files",
  task:
    "Carol's logins, recorded on five days: as-req-1.b64 to as-req-5.b64. On one of them somebody between " +
    "her and the AS told her client that the KDC knows nothing better than DES, and her client, an old one " +
    "without a floor, believed it. Her password is one of the 40,000 in words.txt. To try them all on a " +
    "login under AES takes a processor some 25 minutes. Find the login that does not, and then her " +
    "password. letter.b64 is sealed under it: tessera decode --principal carol@EXAMPLE.TEST " +
    "--password-file FILE letter.b64",
  hints: [
    "tessera decode shows the encryption type of the proof in each login, and the list that the client sent.",
    "What makes a guess dear is the string-to-key: PBKDF2 with its thousands of rounds for AES, two " +
      "passes of DES for des-cbc-md5.",
    "Guess as in guess-password, at the one login whose proof is under des-cbc-md5; its list of encryption " +
      "types was stripped.",
  ],
  lesson:
    "A password is as strong as the weakest key that was ever made from it. The list of encryption types " +
    "travels in clear, so a client needs a floor below which it does not go, whatever it is told, and " +
    "the KDC repeats the list that it received under seal, so that a stripped one is noticed. In profile " +
    "standard both sides refuse DES with KDC_ERR_ETYPE_NOSUPP.",
  make: async (flag, now) => {
    const words = longList();
    const password = words[randomInt(words.length)]!;
    const keyOf = (name: string) => keyFromPassword(etypeByName(name)!, password, defaultStringToKey(CAROL));
    const [aes, des] = await Promise.all([keyOf("aes256"), keyOf("des-cbc-md5")]);
    const weak = randomInt(5);
    const logins = Array.from({ length: 5 }, (_, day) => {
      const key = day === weak ? des : aes;
      const etypes = day === weak ? [des.etype.etype] : [aes, des].map(({ etype }) => etype.etype);
      const request = makeAsReq(CAROL, { etypes }, key, now - (5 - day) * DAY + randomInt(3_600_000));
      const bytes = toBinary(AuthenticateRequestSchema, request);
      return [`as-req-${day + 1}.b64`, base64Lines(bytes)] as const;
    });
    return {
      ...Object.fromEntries(logins),
      "words.txt": `${words.join("\n")}\n`,
      "letter.b64": await sealLetterFor(CAROL, password, flag),
    };
  },
};
