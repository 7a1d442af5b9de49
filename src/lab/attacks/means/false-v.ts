/** A V of mallory's: it has no keytab, and answers whatever it is sent. */
import { create } from "@bufbuild/protobuf";
import {
  type ApplicationServiceServer,
  addApplicationService,
} from "../../../gen/kerberos/v1/application_service_grpc.js";
import { ApplicationService } from "../../../gen/kerberos/v1/application_service_pb.js";
import { EncryptedDataSchema } from "../../../gen/kerberos/v1/encryption_pb.js";
import { EncApRepPartSchema, EncPrivPartSchema } from "../../../gen/kerberos/v1/sealed_pb.js";
import { toEncryptionKey } from "../../../protocol/encryption-key.js";
import { etypeOf } from "../../../protocol/etypes.js";
import { toTimestamp } from "../../../protocol/kerberos-time.js";
import { KeyUsage } from "../../../protocol/key-usage.js";
import { randomKey } from "../../../protocol/keys.js";
import { sealToBytes } from "../../../protocol/sealed-part.js";
import { decodeBlob } from "../../../protocol/strict-decode.js";
import { type RunningServer, startServer } from "../../../services/server.js";
import type { LabRealm } from "../../realm/lab-realm.js";

/** Starts it on a free port of loopback. Whoever starts it stops it. */
export function startFalseV(realm: LabRealm): Promise<RunningServer> {
  const implementation: ApplicationServiceServer = {
    access: async (request) => {
      const { etype } = decodeBlob(EncryptedDataSchema, request.authenticator, "authenticator");
      const [madeUp, subkey] = [randomKey(etypeOf(etype)), randomKey(etypeOf(etype))];
      const ctime = toTimestamp(realm.now);
      const proof = create(EncApRepPartSchema, {
        ctime,
        nonce: new Uint8Array(16),
        subkey: toEncryptionKey(subkey),
        seqNumber: 1,
      });
      const data = create(EncPrivPartSchema, { userData: Buffer.from("trust me"), seqNumber: 1 });
      return {
        apRep: sealToBytes({ key: madeUp, usage: KeyUsage.AP_REP }, "encApRepPart", proof),
        response: sealToBytes({ key: subkey, usage: KeyUsage.RESPONSE_DATA }, "encResponsePart", data),
      };
    },
  };
  return startServer({
    host: "127.0.0.1",
    port: 0,
    service: ApplicationService,
    add: (server, options) => addApplicationService(server, implementation, options),
    log: () => {},
  });
}
