/**
 * The present, in milliseconds since the epoch. Read once a request; everything below is handed that `now`.
 */
export type Clock = () => number;
