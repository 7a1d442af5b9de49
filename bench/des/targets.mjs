/** The targets: the least ratio of our speed to theirs. */

const EVERY = ["ecb encrypt", "ecb decrypt", "cbc encrypt", "cbc decrypt"];

/** One row a target: `than` names the peer, `least` the ratio to reach. */
export const TARGETS = [
  ...EVERY.flatMap((what) => [
    { what, size: 200, withKey: true, than: "OpenSSL C", least: what === "cbc encrypt" ? 0.95 : 1 },
    { what, size: 200, withKey: true, than: "node des-ede3", least: 2 },
    { what, size: 200, withKey: true, than: "node legacy", least: 2 },
    { what, size: 200, withKey: true, than: "node-forge", least: 3 },
    { what, size: 200, withKey: true, than: "des.js", least: 10 },
    { what, size: 200, withKey: true, than: "crypto-js", least: 10 },
  ]),
  ...EVERY.flatMap((what) => {
    const least = what.startsWith("ecb") ? 1.3 : what === "cbc decrypt" ? 1 : 0.95;
    return [
      { what, size: 65536, withKey: true, than: "OpenSSL C", least },
      { what, size: 65536, withKey: false, than: "openssl speed", least },
      // Three times as long and a tenth more: DES at most 3.3 times as fast as 3DES.
      { what, size: 65536, withKey: false, than: "ours 3DES", least: 0, most: 3.3 },
    ];
  }),
];
