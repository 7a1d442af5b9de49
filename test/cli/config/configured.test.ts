import { writeFileSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { command as serve } from "../../../src/cli/commands/serve.js";
import { configured, type TypedOptions } from "../../../src/cli/config/configured.js";
import type { CommandSurroundings } from "../../../src/cli/frame/command.js";
import { InProcess } from "../in-process.js";

const shell = new InProcess();
afterAll(() => shell.remove());
const path = shell.file("tessera.toml");

/** The options of `serve`, as they are with a file and an environment. */
async function optionsOf(text: string, env: Record<string, string>, typed: TypedOptions = {}) {
  writeFileSync(path, text);
  const around = { env: { TESSERA_CONFIG: path, ...env } } as unknown as CommandSurroundings;
  return (await configured(serve, typed, around)).options;
}

it("a flag goes before a variable, a variable before the file, the file before the default", async () => {
  const text = '[server]\nhost = "192.0.2.1"\n';
  const variable = { TESSERA_SERVER_HOST: "192.0.2.2" };
  expect((await optionsOf("", {})).host).toBeUndefined();
  expect((await optionsOf(text, {})).host).toBe("192.0.2.1");
  expect((await optionsOf(text, variable)).host).toBe("192.0.2.2");
  expect((await optionsOf(text, variable, { host: "192.0.2.3" })).host).toBe("192.0.2.3");
  // An empty variable takes the value of the file away.
  expect((await optionsOf(text, { TESSERA_SERVER_HOST: "" })).host).toBeUndefined();
});

it("switches and lists come from variables and from the file too", async () => {
  const text = '[server]\nallow-weak-crypto = true\ntrusted-proxy = ["192.0.2.1", "192.0.2.2"]\n';
  expect(await optionsOf(text, {})).toMatchObject({
    "allow-weak-crypto": true,
    "trusted-proxy": ["192.0.2.1", "192.0.2.2"],
  });
  const env = { TESSERA_SERVER_ALLOW_WEAK_CRYPTO: "no", TESSERA_SERVER_TRUSTED_PROXY: "192.0.2.3" };
  expect(await optionsOf(text, env)).toMatchObject({
    "allow-weak-crypto": false,
    "trusted-proxy": ["192.0.2.3"],
  });
  const typed = { "trusted-proxy": ["192.0.2.4"], "allow-weak-crypto": true };
  expect(await optionsOf(text, env, typed)).toMatchObject(typed);
});

it.each([
  [{ TESSERA_SERVER_AS_PORT: "http" }, "TESSERA_SERVER_AS_PORT: expected a port from 0 to 65535"],
  [
    { TESSERA_SERVER_ALLOW_WEAK_CRYPTO: "perhaps" },
    "TESSERA_SERVER_ALLOW_WEAK_CRYPTO: expected true or false",
  ],
  [
    { TESSERA_SERVER_TRUSTED_PROXY: "192.0.2.1 proxy" },
    "TESSERA_SERVER_TRUSTED_PROXY: expected an IP address",
  ],
])("a variable that makes no sense is wrong usage: %j", async (env, text) => {
  await expect(optionsOf("", env)).rejects.toMatchObject({
    name: "UsageError",
    message: expect.stringContaining(text),
  });
});
