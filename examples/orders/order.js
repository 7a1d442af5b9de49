// @ts-check
/**
 * Orders things in the name of whoever is logged in (`tessera kinit`), and lists that one's orders:
 *
 *   node order.js [ITEM…] [--profile textbook] [--address HOST:PORT]
 */
import { parseArgs, promisify } from "node:util";
import { fileCache, KerberosClient, parseKdcAddresses, profileEtypes } from "tessera-sso/client";
import { makeOrdersClient } from "./client.js";

const { values, positionals: items } = parseArgs({
  allowPositionals: true,
  options: { profile: { type: "string" }, address: { type: "string" } },
});
const address = values.address ?? process.env.ORDERS_ADDRESS ?? "localhost:50051";
const { TESSERA_CCACHE = `FILE:/tmp/tesseracc_${process.getuid?.()}`, TESSERA_KDC } = process.env;
const profile = /** @type {import("tessera-sso/client").ProfileName} */ (values.profile ?? "standard");
const kerberos = new KerberosClient({
  cache: fileCache(TESSERA_CCACHE),
  kdc: TESSERA_KDC === undefined ? undefined : parseKdcAddresses(TESSERA_KDC),
  etypes: profileEtypes(profile),
});
const client = makeOrdersClient(address, kerberos);
try {
  for (const item of items) await promisify(client.placeOrder.bind(client))({ item });
  for await (const { order } of client.listOrders({}))
    console.log(`${order.id} ${order.item} ${order.owner}`);
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exitCode = 1;
} finally {
  client.close();
  kerberos.close();
}
