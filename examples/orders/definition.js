// @ts-check
/** The service's definition, loaded from its proto: the plain grpc-js way, nothing of Tessera in it. */
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** Where the proto is. */
export const PROTO = fileURLToPath(new URL("orders.proto", import.meta.url));

/**
 * `orders.v1` with its client class and service definition.
 * @type {{ OrderService: grpc.ServiceClientConstructor }}
 */
export const orders = /** @type {any} */ (grpc.loadPackageDefinition(loadSync(PROTO))).orders.v1;
