import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ENVOY, NGINX } from "../support/proxies.js";

const FOLDER = new URL("../../deploy/proxies/", import.meta.url);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tessera-proxies-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(NGINX === undefined)("nginx takes nginx.conf (nginx is not on this machine)", () => {
  const tls = join(folder, "tls");
  mkdirSync(tls);
  const [key, certificate] = [join(tls, "proxy.key"), join(tls, "proxy.pem")];
  const made = spawnSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "2",
    ].concat(["-subj", "/CN=proxy", "-keyout", key, "-out", certificate]),
  );
  expect(made.status).toBe(0);
  copyFileSync(certificate, join(tls, "ca.pem"));
  const file = join(folder, "nginx.conf");
  copyFileSync(new URL("nginx.conf", FOLDER), file);
  const words = ["-t", "-p", folder, "-e", "stderr", "-g", `pid ${join(folder, "pid")};`, "-c", file];
  const { status, stderr } = spawnSync(NGINX!, words, { encoding: "utf8" });
  expect(stderr).toContain("test is successful");
  expect(stderr).not.toContain("[warn]");
  expect(status).toBe(0);
});

test.skipIf(ENVOY === undefined)("Envoy takes envoy.yaml (Envoy is not on this machine)", () => {
  const words = [
    "--mode",
    "validate",
    "--log-level",
    "warn",
    "-c",
    fileURLToPath(new URL("envoy.yaml", FOLDER)),
  ];
  const { status, stdout, stderr } = spawnSync(ENVOY!, words, { encoding: "utf8" });
  expect(stderr).not.toMatch(/\[(warning|error|critical)\]/);
  expect(stdout).toContain(" OK");
  expect(status).toBe(0);
});
