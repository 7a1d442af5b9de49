/** The service's definition, loaded from its proto: the plain grpc-js way, nothing of Tessera in it. */
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const file = fileURLToPath(new URL("orders.proto", import.meta.url));

/** `orders.v1` with its client class and service definition. */
export const orders = (grpc.loadPackageDefinition(loadSync(file)).orders as grpc.GrpcObject)
  .v1 as unknown as {
  OrderService: grpc.ServiceClientConstructor;
};
