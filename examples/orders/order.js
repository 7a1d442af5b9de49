// @ts-check
/**
 * Orders things, and lists the orders of whoever runs it: by a key that the service shares, or in the name of
 * whoever is logged in (`tessera kinit`):
 *
 *   node order.js --key FILE [ITEM…] [--address HOST:PORT]
 *   node order.js [ITEM…] [--profile textbook] [--address HOST:PORT]
 */
import { parseArgs, promisify } from "node:util";
import { fileCache, KerberosClient, parseKdcAddresses, profileEtypes, sharedKey } from "tessera-sso/client";
import { makeOrdersClient } from "./client.js";

// A key that can't be read: what is wrong is said in one line.
process.once("uncaughtException", ({ message }) => {
  console.error(message);
  process.exit(1);
});

const { values, positionals: items } = parseArgs({
  allowPositionals: true,
  options: { key: { type: "string" }, profile: { type: "string" }, address: { type: "string" } },
});
const { key, address = process.env.ORDERS_ADDRESS ?? "localhost:50051" } = values;
// #region tickets
const tickets = key === undefined ? kerberosClient() : sharedKey(key);
// #endregion
const client = makeOrdersClient(address, tickets);
try {
  // A service that was started a moment ago may not be listening yet.
  await promisify(client.waitForReady.bind(client))(Date.now() + 10_000).catch(() => {
    throw new Error(`no service at ${address} within 10 s`);
  });
  for (const item of items) await promisify(client.placeOrder.bind(client))({ item });
  for await (const { order } of client.listOrders({}))
    console.log(`${order.id} ${order.item} ${order.owner}`);
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exitCode = 1;
} finally {
  client.close();
  if (tickets instanceof KerberosClient) tickets.close();
}

function kerberosClient() {
  const { TESSERA_CCACHE = `FILE:/tmp/tesseracc_${process.getuid?.()}`, TESSERA_KDC } = process.env;
  const profile = /** @type {import("tessera-sso/client").ProfileName} */ (values.profile ?? "standard");
  return new KerberosClient({
    cache: fileCache(TESSERA_CCACHE),
    kdc: TESSERA_KDC === undefined ? undefined : parseKdcAddresses(TESSERA_KDC),
    etypes: profileEtypes(profile),
  });
}
