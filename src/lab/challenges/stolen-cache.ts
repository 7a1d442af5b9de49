/**
 * A credential cache that was copied, and a call that was recorded before: what the one tells of the other.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileCache } from "../../client/index.js";
import {
  GetNoteRequestSchema,
  GetNoteResponseSchema,
  PutNoteRequestSchema,
  PutNoteResponseSchema,
} from "../../gen/kerberos/v1/operations_pb.js";
import { captureCalls } from "../capture.js";
import { startLabRealm } from "../realm/lab-realm.js";
import { makeTemporaryFolder } from "../realm/temporary-folder.js";
import type { FileChallenge } from "./challenge.js";
import { base64Lines } from "./letter.js";

export const stolenCache: FileChallenge = {
  name: "stolen-cache",
  title: "A stolen cache: what is it worth?",
  level: "easy",
  points: 20,
  kind: "files",
  task:
    "alice.ccache is a copy of Alice's credential cache, taken from a backup that anybody could read. " +
    "The day before you had recorded a call of hers to V: access-request.b64 is what she sent, " +
    "access-response.b64 what came back. Her password is nowhere in all this. Read the note that V sent " +
    "her.",
  hints: [
    "What is in a credential cache besides tickets? Which of it fits the call?",
    "The ticket's session key opens the authenticator of the request, and the AP-REP of the response. " +
      "Each of them holds a fresh key of its own, a subkey: what is that for? tessera decode --show-keys",
    "tessera decode --show-keys alice.ccache shows K_c,v. With it as --key, decode --show-keys " +
      "access-response.b64 opens ap_rep and shows a subkey; with that as --key the response itself opens. " +
      "--key takes etype:hex, such as des-cbc-md5:0123456789abcdef.",
  ],
  lesson:
    "A cache is worth all that its owner may do, until its tickets end: no password is needed, and none " +
    "can be changed with it. It also opens what was recorded under its session keys, for the subkeys " +
    "travel under them. So caches are files that only their owner reads, tickets are short, and what " +
    "must stay secret for longer goes over TLS as well.",
  make: async (flag) => {
    const folder = await makeTemporaryFolder();
    const realm = await startLabRealm({ scene: "textbook" });
    try {
      const file = join(folder.path, "alice.ccache");
      const { interceptor, calls } = captureCalls();
      const client = realm.client({ cache: fileCache(file), interceptors: [interceptor] });
      const { alice } = realm.users;
      await client.login(alice.principal, alice.password);
      const v = { principal: realm.service, address: realm.address };
      const put = { request: PutNoteRequestSchema, response: PutNoteResponseSchema };
      await client.access(v, put, { name: "safe", text: flag });
      const get = { request: GetNoteRequestSchema, response: GetNoteResponseSchema };
      await client.access(v, get, { name: "safe" });
      const { request, response } = calls.at(-1)!;
      return {
        "alice.ccache": await readFile(file),
        "access-request.b64": base64Lines(request),
        "access-response.b64": base64Lines(response!),
      };
    } finally {
      await realm.close();
      folder.remove();
    }
  },
};
