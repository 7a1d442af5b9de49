// The peers: verification of a bearer token with the claims an access token commonly has, by three libraries.
// Every library checks signature, algorithm, issuer, audience and times.
import { createSecretKey, generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { createVerifier } from "fast-jwt";
import { jwtVerify, SignJWT } from "jose";
import jsonwebtoken from "jsonwebtoken";

const ISSUER = "https://login.example.test";
const AUDIENCE = "orders/api.example.test";
const ALGORITHMS = ["HS256", "ES256", "RS256"];
/** How many different tokens are verified in turn. */
const TOKENS = 256;

/** Keys of an algorithm in the form each library handles fastest, prepared before the clock starts. */
async function makeKeys(algorithm) {
  const subtle = crypto.subtle;
  if (algorithm === "HS256") {
    const secret = randomBytes(32);
    const hmac = { name: "HMAC", hash: "SHA-256" };
    const ready = await subtle.importKey("raw", secret, hmac, false, ["verify"]);
    return {
      sign: secret,
      forJose: ready,
      forFastJwt: secret,
      forJsonwebtoken: createSecretKey(secret),
      secret,
    };
  }
  const pair =
    algorithm === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  const spki = pair.publicKey.export({ type: "spki", format: "der" });
  const web =
    algorithm === "ES256"
      ? { name: "ECDSA", namedCurve: "P-256" }
      : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  return {
    sign: pair.privateKey,
    forJose: await subtle.importKey("spki", spki, web, false, ["verify"]),
    forFastJwt: pair.publicKey.export({ type: "spki", format: "pem" }),
    forJsonwebtoken: pair.publicKey,
  };
}

function makeToken(algorithm, key) {
  return new SignJWT({ scope: "orders:read orders:write", email: "alice@example.test", client_id: "web" })
    .setProtectedHeader({ alg: algorithm, typ: "at+jwt", kid: "2026-01" })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject("alice")
    .setJti(randomUUID())
    .setIssuedAt()
    .setNotBefore("0s")
    .setExpirationTime("10h")
    .sign(key);
}

/**
 * Verifiers by name, `library algorithm`: each takes the number of a turn and returns the claims or a promise
 * of them.
 */
export async function makeVerifiers() {
  const verifiers = {};
  for (const algorithm of ALGORITHMS) {
    const keys = await makeKeys(algorithm);
    const tokens = await Promise.all(Array.from({ length: TOKENS }, () => makeToken(algorithm, keys.sign)));
    const token = (i) => tokens[i % TOKENS];
    const options = { issuer: ISSUER, audience: AUDIENCE, algorithms: [algorithm] };
    const fast = createVerifier({
      key: keys.forFastJwt,
      algorithms: [algorithm],
      allowedIss: ISSUER,
      allowedAud: AUDIENCE,
      cache: false,
    });
    verifiers[`jose ${algorithm}`] = (i) => jwtVerify(token(i), keys.forJose, options);
    verifiers[`fast-jwt ${algorithm}`] = (i) => fast(token(i));
    verifiers[`jsonwebtoken ${algorithm}`] = (i) =>
      jsonwebtoken.verify(token(i), keys.forJsonwebtoken, options);
    // As jose's documentation shows it: the secret as bytes, which it imports for each token.
    if (keys.secret)
      verifiers[`jose ${algorithm}, secret as bytes`] = (i) => jwtVerify(token(i), keys.secret, options);
  }
  return verifiers;
}

/** A token, and verifiers as servers would use them: jose and, at once, jsonwebtoken, with HS256. */
export async function makeBearer() {
  const { sign, forJose, forJsonwebtoken } = await makeKeys("HS256");
  const options = { issuer: ISSUER, audience: AUDIENCE, algorithms: ["HS256"] };
  return {
    token: await makeToken("HS256", sign),
    verify: (token) => jwtVerify(token, forJose, options),
    verifyAtOnce: (token) => jsonwebtoken.verify(token, forJsonwebtoken, options),
  };
}
