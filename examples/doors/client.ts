/** `tessera-sso/client`: from a password to an answered call. */
import {
  EchoRequestSchema,
  EchoResponseSchema,
  type KdcAddresses,
  KerberosClient,
  parsePrincipal,
} from "tessera-sso/client";

/** Logs alice in and has V say something back, under seal. `address` is V's; by default all is local. */
export async function sayHello(password: string, kdc?: KdcAddresses, address?: string): Promise<string> {
  // #region client
  const client = new KerberosClient({ kdc });
  await client.login("alice@TEST.EXAMPLE", password);
  const v = { principal: parsePrincipal("v/localhost@TEST.EXAMPLE", "service"), address };
  const echo = { request: EchoRequestSchema, response: EchoResponseSchema };
  const { text } = await client.access(v, echo, { text: "hello" });
  // #endregion
  client.close();
  return text;
}
