/**
 * Who takes part in the dialogue, and the keys they use, by the textbook's symbols. Pages read these types,
 * too.
 */

/** A party of the dialogue. */
export type Party = "C" | "AS" | "TGS" | "V";
/** A key of the dialogue, by the textbook's symbol. */
export type KeySymbol = "K_c" | "K_tgs" | "K_v" | "K_c,tgs" | "K_c,v" | "Subkey_c" | "Subkey_v";
