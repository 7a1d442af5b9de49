// @ts-check
/** A client of the orders service: its calls prove who makes them, and check that the service is the right one. */
import * as grpc from "@grpc/grpc-js";
import { ticketInterceptor } from "tessera-sso/client";
import { orders } from "./definition.js";

/**
 * A client that gets and renews its tickets by itself; it carries no password.
 * @param {string} address
 * @param {import("tessera-sso/client").TicketSource} tickets a `KerberosClient`, or a shared key.
 * @returns {OrdersClient}
 */
export function makeOrdersClient(address, tickets) {
  // #region client
  const interceptors = [ticketInterceptor(tickets, "orders/localhost")];
  const stub = new orders.OrderService(address, grpc.credentials.createInsecure(), { interceptors });
  // #endregion
  return /** @type {any} */ (stub);
}

/**
 * An order, as it travels.
 * @typedef {{ readonly id: number, readonly item: string, readonly owner: string }} Order
 */

/**
 * @template T
 * @typedef {(error: grpc.ServiceError | null, reply: T) => void} Reply
 */

/**
 * What proto-loader makes of the service.
 * @typedef {grpc.Client & {
 *   placeOrder(request: { item: string }, reply: Reply<{ order: Order }>): grpc.ClientUnaryCall,
 *   listOrders(request: object): grpc.ClientReadableStream<{ order: Order }>,
 *   placeOrders(reply: Reply<{ placed: number }>): grpc.ClientWritableStream<{ item: string }>,
 *   cancelOrder(request: { id: number }, reply: Reply<object>): grpc.ClientUnaryCall,
 * }} OrdersClient
 */
