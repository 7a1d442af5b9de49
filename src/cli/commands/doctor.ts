/** `tessera doctor`: checks everything a login needs, and says what to do about what is wrong. */
import { DEFAULT_ADDRESSES } from "../../rpc/default-addresses.js";
import { defineCommand } from "../frame/command.js";
import { CACHE_OPTIONS, TLS_OPTIONS } from "../options/client-options.js";
import { KDC_OPTIONS } from "../options/kdc-choice.js";
import { REALM_OPTIONS } from "../options/realm-options.js";

export const command = defineCommand({
  name: "doctor",
  usage: ["[OPTION…]"],
  description:
    "Checks the realm's folder and who can read it, V's keytab, the credential cache, the health of every " +
    "AS and TGS and of V, and the clock against the KDC's as the last login measured it. Changes nothing, " +
    "unless --mend is given. Exits with 1 if something is wrong.",
  examples: [
    "tessera doctor",
    "tessera doctor --realm --keytab probe.keytab --page kdc1:9464",
    "tessera doctor --kdc 'kdc1.example.test:8801 kdc2.example.test:8801' --tls-ca ca.pem --json",
  ],
  options: {
    ...REALM_OPTIONS,
    ...CACHE_OPTIONS,
    ...KDC_OPTIONS,
    address: { value: "HOST:PORT", help: `where V listens; ${DEFAULT_ADDRESSES.v}` },
    mend: {
      help: "begin V's replay cache anew where a clock that was ahead has closed times that are yet to come",
    },
    realm: {
      help:
        "look at the whole realm: log in at every KDC, compare their clocks, and look at keys and " +
        "certificates that are near their ends",
    },
    keytab: { value: "FILE", help: "with --realm: log in with this keytab; V's, if it is at hand" },
    page: {
      value: "HOST:PORT",
      multiple: true,
      help: "look at a server's figures too (serve --metrics): caches, stores, what waits; several: repeat it",
    },
    ...TLS_OPTIONS,
  },
  arguments: [0, 0],
  run: async ({ options, json, ...around }) => {
    const { findings } = await import("../serving/checks.js");
    const found = await findings(options, around);
    const { screen } = around;
    if (json) screen.printJson({ findings: found });
    else
      for (const { check, state, text, hint } of found) {
        screen.print(`${MARKS[state]} ${check.padEnd(10)} ${text}`);
        if (hint !== undefined) screen.print(`${" ".repeat(15)}hint: ${hint}`);
      }
    return found.some(({ state }) => state === "bad") ? 1 : 0;
  },
});

const MARKS = { ok: "ok  ", note: "note", bad: "BAD " } as const;
