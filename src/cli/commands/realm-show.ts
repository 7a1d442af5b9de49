/** `tessera realm show`: shows a realm's settings. */
import { formatDuration } from "../../protocol/duration.js";
import { etypeName, ITERATIONS } from "../../protocol/etypes.js";
import { profile } from "../../protocol/profile.js";
import { attemptLimitsOf, attemptLimitTexts } from "../../realm/realm-settings.js";
import { shownPostgresName } from "../../store/postgres/place.js";
import { defineCommand } from "../frame/command.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { columns } from "../screen/layout.js";
import { weakNames } from "../screen/weakness.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "realm show",
  usage: ["[--dir DIR]"],
  description: "Shows what the realm permits and how many principals it has.",
  examples: ["tessera realm show", "tessera realm show --json"],
  options: REALM_OPTIONS,
  arguments: [0, 0],
  run: async ({ options, json, screen, ...around }) =>
    withRealm(around, options.dir, async ({ principals }, { dir, settings, keytabFile }) => {
      const count = await principals.count();
      const database = settings.database && shownPostgresName(settings.database);
      const attempts = attemptLimitTexts(attemptLimitsOf(settings));
      const { permitted, keyEtypes } = profile(settings.profile);
      if (json) {
        const etypes = { permitted: permitted.map(etypeName), newKeys: keyEtypes.map(etypeName) };
        screen.printJson({
          ...settings,
          ...(database !== undefined && { database }),
          attempts,
          dir,
          keytab: keytabFile,
          etypes,
          weak: weakNames(settings.profile),
          principals: count,
        });
        return undefined;
      }
      const rows = [
        ["realm", settings.realm],
        ["folder", dir],
        ...(database === undefined ? [] : [["database", database]]),
        ["profile", settings.profile],
        ["permitted", permitted.map(etypeName).join(", ")],
        ["new keys", keyEtypes.map(etypeName).join(", ")],
        ["weak", weakNames(settings.profile) || "nothing"],
        ["longest ticket", formatDuration(settings.maxLife)],
        ["renewable for", formatDuration(settings.maxRenewableLife)],
        ["clock skew", formatDuration(settings.clockSkew)],
        ["iterations", String(settings.iterations ?? ITERATIONS.least)],
        [
          "failed logins",
          Object.entries(attempts)
            .map((limit) => limit.join(" "))
            .join(", "),
        ],
        ["principals", String(count)],
        ["V's keytab", keytabFile],
      ];
      screen.printAll(columns(rows));
      return undefined;
    }),
});
