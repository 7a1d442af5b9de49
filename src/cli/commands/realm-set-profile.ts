/** `tessera realm set-profile`: moves the realm to another profile, and says who has no key for it yet. */
import { krbtgtOf } from "../../protocol/principal.js";
import { isProfileName, profile } from "../../protocol/profile.js";
import { setProfile } from "../../realm/set-profile.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { weakNames } from "../screen/weakness.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "realm set-profile",
  usage: ["[--dir DIR] textbook|standard"],
  description:
    "Moves the realm to another profile. Principals without a key that the new profile permits can't log " +
    "in or be served any more: they are listed, with the command that gives them keys. Running servers " +
    "notice the change within seconds.",
  examples: ["tessera realm set-profile standard"],
  options: REALM_OPTIONS,
  arguments: [1, 1],
  words: ["textbook", "standard"],
  run: async ({ options, positionals, json, screen, ...around }) => {
    const name = positionals[0]!;
    if (!isProfileName(name)) throw new UsageError("expected textbook or standard");
    return withRealm(around, options.dir, async (realm) => {
      const { settings } = realm;
      const etypes = profile(name).keyEtypes.join(",");
      const lacking = (await setProfile(realm, name)).lacking.map(({ principal, passwordKeyed }) => ({
        principal,
        command: `tessera kadmin ${commandFor(principal, passwordKeyed, settings.realm)} -e ${etypes} ${principal}`,
      }));
      if (json) {
        screen.printJson({ realm: settings.realm, from: settings.profile, profile: name, lacking });
        return undefined;
      }
      screen.print(`realm ${settings.realm}: profile ${name}, was ${settings.profile}`);
      if (lacking.length > 0) {
        screen.print("without a key that it permits:");
        for (const row of lacking) screen.print(`  ${row.principal.padEnd(40)} ${row.command}`);
      }
      const weak = weakNames(name);
      if (weak !== "") screen.notice(`the profile ${name} permits weak encryption (${weak})`);
      screen.notice("running servers notice the change within seconds");
      return undefined;
    });
  },
});

/**
 * What gives a principal keys that the profile permits, and ends no login: the same password again, or a new
 * keytab.
 */
function commandFor(principal: string, passwordKeyed: boolean, realm: string): string {
  if (passwordKeyed) return "cpw";
  return principal === krbtgtOf(realm) ? "cpw -randkey" : "ktadd -k KEYTAB";
}
