/**
 * Calls to V as an attacker makes them: with bytes that were recorded, or a ticket that came by other ways.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { type ServiceTarget, WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../../client/index.js";
import { readAnswer } from "../../../client/operation-answer.js";
import { ApplicationServiceClient } from "../../../gen/kerberos/v1/application_service_grpc.js";
import type { AccessRequest } from "../../../gen/kerberos/v1/application_service_pb.js";
import { makeAccessReq, openAccessRep } from "../../../protocol/access-exchange.js";
import type { Credentials } from "../../../protocol/credentials.js";
import type { LabRealm } from "../../realm/lab-realm.js";

/** V of the realm, as clients are told of it. */
export function sameService({ service, address }: LabRealm): ServiceTarget {
  return { principal: service, address };
}

/**
 * Sends the bytes of a message (5) as they are. It is answered, or refused with a KrbError.
 * @param address of V; by default the realm's first.
 */
export async function sendAccess(
  realm: LabRealm,
  request: AccessRequest,
  address = realm.address,
): Promise<void> {
  using v = new ApplicationServiceClient(address, grpc.credentials.createInsecure());
  await v.access(request);
}

/**
 * Asks V who is calling, with a ticket and the session key that goes with it, wherever they are from.
 * @returns the principal that V takes the caller for.
 * @throws KrbError as V refuses.
 */
export async function askWhoIAm(realm: LabRealm, credentials: Credentials): Promise<string> {
  const operation = toBinary(AnySchema, anyPack(WhoAmIRequestSchema, create(WhoAmIRequestSchema)));
  const { request, pending } = makeAccessReq(credentials, operation, realm.now);
  using v = new ApplicationServiceClient(realm.address, grpc.credentials.createInsecure());
  const answer = openAccessRep(await v.access(request), pending);
  return readAnswer(answer, WhoAmIResponseSchema).client;
}
