/** Those who can read a message, as a choice. */
import type { Option } from "./choice.tsx";
import type { Reader } from "./reading.js";

/** Whose keys can be in hand. */
export const READERS: readonly Option<Reader>[] = [
  { value: "C", label: "C", title: "alice’s client" },
  { value: "AS", label: "AS", title: "the authentication server" },
  { value: "TGS", label: "TGS", title: "the ticket granting server" },
  { value: "V", label: "V", title: "the service" },
  { value: "eavesdropper", label: "nobody’s", title: "an eavesdropper, who has no key" },
];
