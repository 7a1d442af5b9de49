/** AS-REP roasting: something under alice's key, asked for without a proof. */
import { create } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { AuthenticationServiceClient } from "../../gen/kerberos/v1/authentication_service_grpc.js";
import { AuthenticateRequestSchema } from "../../gen/kerberos/v1/authentication_service_pb.js";
import { SCENES } from "../realm/scene.js";
import { type Attack, attempt, everywhere } from "./attack.js";

/** The row. */
export const roast: Attack = {
  name: "roast",
  title: "An AS-REP asked for in alice's name, without a proof",
  topic: "passwords",
  has: "alice's name, and nothing else",
  lesson:
    "In Kerberos 4, and in 5 where pre-authentication is off, the AS answers whoever asks, since only the " +
    "right key opens the answer. But the answer holds known plaintext under a key made from a password, so " +
    "anybody can fetch something to guess on for any user (roasting). Here the AS wants a proof first, of " +
    "everybody, in code and not by a flag of the principal. What remains is the proof itself: whoever " +
    "records a login can guess on that (the attack guess), but has to be on the way when alice logs in.",
  expected: everywhere(["KDC_ERR_PREAUTH_REQUIRED", "AS"]),
  async run(realm, told) {
    const client = realm.users.alice.principal;
    const etypes = [...SCENES[realm.scene].clientEtypes.permitted];
    const request = create(AuthenticateRequestSchema, { client, etypes, nonce: new Uint8Array(16) });
    told(`mallory asks the AS for a TGT for ${client}, without a proof`);
    return attempt("AS", async () => {
      using as = new AuthenticationServiceClient(realm.kdc.as, grpc.credentials.createInsecure());
      const { encPart } = await as.authenticate(request);
      return `the AS answered: ${encPart.length} bytes under alice's key, to try words on`;
    });
  },
};
