/** `tessera realm set-profile`: moves the realm, and says who has no key for it yet. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../../files/private-file.js";
import { currentKeys } from "../../protocol/principal-entry.js";
import { isProfileName, profile } from "../../protocol/profile.js";
import { defineCommand, UsageError } from "../command.js";
import { REALM_OPTIONS, withPrincipals } from "../realm.js";
import { notice, printJson, printLine } from "../screen/output.js";
import { weakNames } from "../screen/weakness.js";

export const command = defineCommand({
  name: "realm set-profile",
  usage: ["[--dir DIR] textbook|standard"],
  description:
    "Moves the realm to another profile. Principals without a key that the new profile permits can't log in or be " +
    "served any more: they are listed, with the command that gives them keys. Servers that run take it within seconds.",
  examples: ["tessera realm set-profile standard"],
  options: REALM_OPTIONS,
  arguments: [1, 1],
  run: async ({ options, positionals, json }) => {
    const name = positionals[0]!;
    if (!isProfileName(name)) throw new UsageError("expected textbook or standard");
    return withPrincipals(options.dir, async (principals, { dir, settings }) => {
      const { permitted, keyEtypes } = profile(name);
      const lacking: { principal: string; command: string }[] = [];
      for await (const entry of principals.list()) {
        if (currentKeys(entry).some(({ key }) => (permitted as readonly number[]).includes(key.etype.etype)))
          continue;
        const how = entry.passwordKeyed ? "" : "-randkey ";
        const etypes = `-e ${keyEtypes.join(",")} `;
        lacking.push({
          principal: entry.principal,
          command: `tessera kadmin cpw ${how}${etypes}${entry.principal}`,
        });
      }
      const file = join(dir, "realm.json");
      const written = { ...(JSON.parse(await readFile(file, "utf8")) as object), profile: name };
      await writeFileAtomically(file, Buffer.from(`${JSON.stringify(written, undefined, 2)}\n`));
      if (json) {
        printJson({ realm: settings.realm, from: settings.profile, profile: name, lacking });
        return undefined;
      }
      printLine(`realm ${settings.realm}: profile ${name}, was ${settings.profile}`);
      if (lacking.length > 0) {
        printLine("without a key that it permits:");
        for (const row of lacking) printLine(`  ${row.principal.padEnd(40)} ${row.command}`);
        notice(
          "after cpw of a service, write its keytab anew: tessera kadmin ktadd -norandkey -k FILE SERVICE",
        );
      }
      const weak = weakNames(name);
      if (weak !== "") notice(`the profile ${name} permits weak encryption (${weak})`);
      notice("servers that run take it within seconds");
      return undefined;
    });
  },
});
