/** What somebody has who listens between alice and the servers: the bytes of a login, a ticket and a call. */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import {
  GetNoteRequestSchema,
  GetNoteResponseSchema,
  type KerberosClient,
  PutNoteRequestSchema,
  PutNoteResponseSchema,
} from "../../../client/index.js";
import { type AccessRequest, AccessRequestSchema } from "../../../gen/kerberos/v1/application_service_pb.js";
import {
  type AuthenticateRequest,
  AuthenticateRequestSchema,
} from "../../../gen/kerberos/v1/authentication_service_pb.js";
import type { Credentials } from "../../../protocol/credentials.js";
import { type CapturedCall, captureCalls } from "../../capture.js";
import type { LabRealm, LabUser } from "../../realm/lab-realm.js";
import { sameService } from "./access.js";

/** The messages that travelled. */
export interface Heard {
  /** Message (1), with the proof of the password. */
  readonly login: AuthenticateRequest;
  /** Message (5): a note is written. */
  readonly access: AccessRequest;
  /** Ticket_v, which travels in messages (4) and (5). */
  readonly ticket: Uint8Array;
}

/** The victim of an attack, at work. */
export interface Victim {
  readonly client: KerberosClient;
  /** What only the victim's own machine holds: the service ticket and its session key. */
  readonly credentials: Credentials;
  /** Writes the note that the attacks are about. */
  write(text: string): Promise<void>;
  /** Reads it. */
  read(): Promise<string>;
}

const NOTE = "plan";
const PUT = { request: PutNoteRequestSchema, response: PutNoteResponseSchema };
const GET = { request: GetNoteRequestSchema, response: GetNoteResponseSchema };

/** A user logs in, gets a ticket for V and writes a note, while somebody listens. */
export async function listenTo(
  realm: LabRealm,
  { principal, password }: LabUser,
  text = "meet at noon",
): Promise<{ heard: Heard; victim: Victim }> {
  const { interceptor, calls } = captureCalls();
  const client = realm.client({ interceptors: [interceptor] });
  await client.login(principal, password);
  const credentials = await client.serviceTicket(realm.service);
  const v = sameService(realm);
  const victim: Victim = {
    client,
    credentials,
    write: async (written) => void (await client.access(v, PUT, { name: NOTE, text: written })),
    read: async () => (await client.access(v, GET, { name: NOTE })).note?.text ?? "",
  };
  await victim.write(text);
  const access = heardRequest(calls, "/Access", AccessRequestSchema);
  const login = heardRequest(calls, "/Authenticate", AuthenticateRequestSchema);
  return { heard: { login, access, ticket: access.ticket }, victim };
}

function heardRequest<Desc extends DescMessage>(
  calls: readonly CapturedCall[],
  method: string,
  schema: Desc,
): MessageShape<Desc> {
  const call = calls.find(({ path }) => path.endsWith(method));
  if (call === undefined) throw new Error(`nothing was heard of ${method}`);
  return fromBinary(schema, call.request);
}
