/** A small orders service, guarded in one line: who calls is known, and nobody sees another's orders. */
import * as grpc from "@grpc/grpc-js";
import { callerOf, type GuardOptions, guard } from "tessera-sso/server";
import { orders } from "./definition.js";

interface Order {
  readonly id: number;
  readonly item: string;
  readonly owner: string;
}

/** Who may call what: everyone their own orders, administrators every order. */
export const ALLOW = {
  "orders.v1.OrderService": ["*@TEST.EXAMPLE", "*/admin@TEST.EXAMPLE"],
  "orders.v1.OrderService/CancelOrder": ["*/admin@TEST.EXAMPLE"],
};

/** The server. Give it a keytab and a replay cache, then bind it. */
export function makeOrdersServer(keytab: GuardOptions["keytab"], replayCache: GuardOptions["replayCache"]) {
  // #region guard
  const server = new grpc.Server({ interceptors: [guard({ keytab, replayCache, allow: ALLOW })] });
  // #endregion
  server.addService(orders.OrderService.service, handlers());
  return server;
}

function handlers(): grpc.UntypedServiceImplementation {
  const placed = new Map<number, Order>();
  const place = (owner: string, item: string): Order => {
    const order = { id: placed.size + 1, item, owner };
    placed.set(order.id, order);
    return order;
  };
  return {
    // #region caller
    placeOrder(call: grpc.ServerUnaryCall<{ item: string }, object>, callback: grpc.sendUnaryData<object>) {
      callback(null, { order: place(callerOf(call).principal, call.request.item) });
    },
    // #endregion
    listOrders(call: grpc.ServerWritableStream<object, object>) {
      const { principal } = callerOf(call);
      for (const order of placed.values()) if (order.owner === principal) call.write({ order });
      call.end();
    },
    placeOrders(
      call: grpc.ServerReadableStream<{ item: string }, object>,
      callback: grpc.sendUnaryData<object>,
    ) {
      const { principal } = callerOf(call);
      let count = 0;
      call.on("data", ({ item }: { item: string }) => {
        place(principal, item);
        count += 1;
      });
      call.on("end", () => callback(null, { placed: count }));
    },
    cancelOrder(call: grpc.ServerUnaryCall<{ id: number }, object>, callback: grpc.sendUnaryData<object>) {
      if (placed.delete(call.request.id)) callback(null, {});
      else callback({ code: grpc.status.NOT_FOUND, details: `no order ${call.request.id}` });
    },
  };
}
