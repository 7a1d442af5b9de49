/** Options and flags of MIT's kadmin that there are not here, and what to do instead. */

const FLAGS = {
  allow_tix: "--disable and --enable",
  requires_preauth: "every login is pre-authenticated",
  needchange: "--pw-expire now",
  password_changing_service: "there is no such service",
  allow_svr: "a principal with a password is no service, and one with random keys is",
  allow_renewable: "--max-renewable-life",
  allow_forwardable: "tickets can't be forwarded",
  allow_proxiable: "tickets can't be proxied",
  allow_postdated: "tickets can't be postdated",
  allow_dup_skey: "there is no user-to-user authentication",
  allow_tgs_req: "every ticket but the TGT comes from the TGS",
  requires_hwauth: "there are no hardware tokens",
  ok_as_delegate: "tickets can't be forwarded",
  ok_to_auth_as_delegate: "nobody gets tickets for somebody else here",
  no_auth_data_required: "there are no authorization data of the KDC's",
  lockdown_keys: "the keys of the realm's TGS never leave its folder",
} as const;

const POLICY = "there are no password policies: the limits are options of each principal";

/** Of addprinc and modprinc. */
export const ABSENT_OF_PRINCIPALS = {
  ...FLAGS,
  policy: POLICY,
  clearpolicy: POLICY,
  kvno: "versions of keys count up by themselves",
  nokey: "a principal has keys: -randkey makes random ones",
  x: "there are no arguments for the database",
} as const;

/** Of cpw and ktadd. */
export const ABSENT_OF_KEYS = {
  keepold: "old random keys stay good until the last ticket under them has ended, without being asked to",
  glob: "name each principal",
  q: "--json prints for programs; > /dev/null for nobody",
} as const;
