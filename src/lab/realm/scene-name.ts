/** The names of the scenes that run, in a file of their own: pages know them, too. */

/**
 * `textbook-ecb`: profile textbook, every key of DES_ECB alone, as in the textbook's first programs;
 * `textbook` and `standard`: those profiles as they are.
 */
export type Scene = "textbook-ecb" | "textbook" | "standard";
