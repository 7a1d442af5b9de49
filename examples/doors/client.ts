/** `tessera-sso/client`: from a password to an answered call. */
import { EchoRequestSchema, EchoResponseSchema, KerberosClient, parsePrincipal } from "tessera-sso/client";

/** Logs alice in and has V say something back, under seal. Addresses that are not given are the usual ones. */
export async function sayHello(password: string, at: { kdc?: { as: string; tgs: string }; v?: string } = {}) {
  // #region client
  const client = new KerberosClient({ kdc: at.kdc });
  await client.login("alice@TEST.EXAMPLE", password);
  const v = { principal: parsePrincipal("v/localhost@TEST.EXAMPLE", "service"), address: at.v };
  const echo = { request: EchoRequestSchema, response: EchoResponseSchema };
  const { text } = await client.access(v, echo, { text: "hello" });
  // #endregion
  client.close();
  return text;
}
