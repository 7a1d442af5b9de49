/** Authorization data, as a KDC of another kind might put it into tickets. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AdIfRelevantSchema,
  type AuthorizationData,
  AuthorizationDataSchema,
} from "../../src/gen/kerberos/v1/sealed_pb.js";

/** An element. */
export function element(type: number, data: Uint8Array = Uint8Array.of(1, 2)): AuthorizationData {
  return create(AuthorizationDataSchema, { type, data });
}

/** Elements that a service may pass over. */
export function ifRelevant(...elements: AuthorizationData[]): AuthorizationData {
  return element(1, toBinary(AdIfRelevantSchema, create(AdIfRelevantSchema, { elements })));
}
