// @ts-check
/** A small orders service, guarded in one line: who calls is known, and nobody sees another's orders. */
import * as grpc from "@grpc/grpc-js";
import { callerOf, guardedServer, serveHealth, serveReflection } from "tessera-sso/server";
import { orders, PROTO } from "./definition.js";

/** @typedef {import("./client.js").Order} Order */

/**
 * Who may call what: everyone their own orders, administrators every order. With a shared key nobody is one, for
 * whoever holds it could say so.
 */
export const ALLOW = {
  "orders.v1.OrderService": ["*@EXAMPLE.TEST", "*/admin@EXAMPLE.TEST", "*@SHARED-KEY"],
  "orders.v1.OrderService/CancelOrder": ["*/admin@EXAMPLE.TEST"],
};

/**
 * The server. Give it a keytab, or a shared key, and what else its guard is to be told; then bind it.
 * @param {Pick<import("tessera-sso/server").GuardOptions, "keytab" | "profile" | "replayCache">} options
 */
export async function makeOrdersServer({ keytab, ...more }) {
  // #region guard
  const server = guardedServer({ keytab, allow: ALLOW, ...more });
  // #endregion
  server.addService(orders.OrderService.service, handlers());
  // What everybody may ask: whether it is well, and what it consists of.
  serveHealth(server, ["orders.v1.OrderService"]);
  await serveReflection(server, [PROTO]);
  return server;
}

/** @returns {grpc.UntypedServiceImplementation} */
function handlers() {
  /** @type {Map<number, Order>} */
  const placed = new Map();
  let last = 0;
  /** @type {(owner: string, item: string) => Order} */
  const place = (owner, item) => {
    const order = { id: ++last, item, owner };
    placed.set(order.id, order);
    return order;
  };
  return {
    /**
     * @param {grpc.ServerUnaryCall<{ item: string }, object>} call
     * @param {grpc.sendUnaryData<object>} callback
     */
    // #region caller
    placeOrder(call, callback) {
      callback(null, { order: place(callerOf(call).principal, call.request.item) });
    },
    // #endregion
    /** @param {grpc.ServerWritableStream<object, object>} call */
    listOrders(call) {
      const { principal } = callerOf(call);
      for (const order of placed.values()) if (order.owner === principal) call.write({ order });
      call.end();
    },
    /**
     * @param {grpc.ServerReadableStream<{ item: string }, object>} call
     * @param {grpc.sendUnaryData<object>} callback
     */
    placeOrders(call, callback) {
      const { principal } = callerOf(call);
      let count = 0;
      call.on("data", ({ item }) => {
        place(principal, item);
        count += 1;
      });
      call.on("end", () => callback(null, { placed: count }));
    },
    /**
     * @param {grpc.ServerUnaryCall<{ id: number }, object>} call
     * @param {grpc.sendUnaryData<object>} callback
     */
    cancelOrder(call, callback) {
      if (placed.delete(call.request.id)) callback(null, {});
      else callback({ code: grpc.status.NOT_FOUND, details: `no order ${call.request.id}` });
    },
  };
}
