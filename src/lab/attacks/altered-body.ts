/** A request to the TGS, altered on the way: another service is asked for. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { KdcReqBodySchema } from "../../gen/kerberos/v1/kdc_pb.js";
import { GrantTicketRequestSchema } from "../../gen/kerberos/v1/ticket_granting_service_pb.js";
import { type Attack, attempt, everywhere } from "./attack.js";
import { alteredOnTheWay } from "./means/alteration.js";

/** The row. */
export const alteredBody: Attack = {
  name: "altered-body",
  title: "A request to the TGS, altered on the way",
  topic: "false servers and altered messages",
  has: "the wire between alice and the TGS, on which she can alter messages",
  lesson:
    "What alice asks of the TGS travels in clear: which service, for how long. In Kerberos 4 nothing bound " +
    "it to the authenticator beside it, so that mallory could ask for something else with alice's proof. " +
    "Here the authenticator holds a checksum over the request, under the session key, of the bytes as they " +
    "were sent. The TGS compares it with the bytes as they came.",
  expected: everywhere(["KRB_AP_ERR_MODIFIED", "TGS"]),
  async run(realm, told) {
    const { principal, password } = realm.users.alice;
    const other = `backup/localhost@${realm.realm}`;
    const { interceptor } = alteredOnTheWay("/GrantTicket", GrantTicketRequestSchema, (request) => {
      const body = fromBinary(KdcReqBodySchema, request.body);
      request.body = toBinary(KdcReqBodySchema, { ...body, server: other });
    });
    const client = realm.client({ interceptors: [interceptor] });
    await client.login(principal, password);
    told(`alice asks the TGS for a ticket for ${realm.service}; mallory makes it ${other}`);
    return attempt("TGS", async () => {
      const { server } = await client.serviceTicket(realm.service);
      return `alice has a ticket for ${server}`;
    });
  },
};
