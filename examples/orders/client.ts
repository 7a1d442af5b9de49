/**
 * A client of the orders service: its calls prove who is logged in, and check that the service is the right
 * one.
 */
import * as grpc from "@grpc/grpc-js";
import { type KerberosClient, ticketInterceptor } from "tessera-sso/client";
import { orders } from "./definition.js";

/** A client that fetches and renews its tickets by itself; it carries no password. */
export function makeOrdersClient(address: string, client: KerberosClient): OrdersClient {
  // #region client
  const interceptors = [ticketInterceptor(client, "orders/api.example.test")];
  const stub = new orders.OrderService(address, grpc.credentials.createInsecure(), { interceptors });
  // #endregion
  return stub as unknown as OrdersClient;
}

type Reply<T> = (error: grpc.ServiceError | null, reply: T) => void;

/** An order, as it travels. */
export interface Order {
  readonly id: number;
  readonly item: string;
  readonly owner: string;
}

/** What proto-loader makes of the service. */
export interface OrdersClient extends grpc.Client {
  placeOrder(request: { item: string }, reply: Reply<{ order: Order }>): grpc.ClientUnaryCall;
  listOrders(request: object): grpc.ClientReadableStream<{ order: Order }>;
  placeOrders(reply: Reply<{ placed: number }>): grpc.ClientWritableStream<{ item: string }>;
  cancelOrder(request: { id: number }, reply: Reply<object>): grpc.ClientUnaryCall;
}
