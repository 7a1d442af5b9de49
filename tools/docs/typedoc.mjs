/** Settings of `npm run docs`: a page for each door, into api/, which is not checked in. */
import { fileURLToPath } from "node:url";
import { OptionDefaults } from "typedoc";

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** @type {Partial<import("typedoc").TypeDocOptions>} */
export default {
  name: "tessera-sso",
  basePath: at("."),
  entryPoints: ["client", "services", "connect", "testing", "des"].map((room) => at(`src/${room}/index.ts`)),
  tsconfig: at("tsconfig.build.json"),
  readme: at("README.md"),
  out: at("api"),
  excludeInternal: true,
  excludePrivate: true,
  // protobuf-es names the message that a type was generated from.
  blockTags: [...OptionDefaults.blockTags, "@generated"],
  excludeTags: [...OptionDefaults.excludeTags, "@generated"],
  disableGit: true,
  gitRevision: "main",
  sourceLinkTemplate: "https://github.com/tessera-sso/tessera/blob/{gitRevision}/{path}#L{line}",
  // The README links to folders, which have no page here.
  validation: { invalidPath: false },
  // Lists that are only there to make a type of them.
  intentionallyNotExported: [
    "src/protocol/call-binding.ts:PROTECTIONS",
    "src/rpc/default-addresses.ts:DEFAULT_PORTS",
  ],
  treatWarningsAsErrors: true,
};
