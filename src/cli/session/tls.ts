/** TLS from PEM files. They are checked here, because what OpenSSL says about a bad file does not name it. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { realpath } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { PrivateFileError } from "../../files/private-file-error.js";
import { readPublicFile } from "../../files/public-file.js";
import { readSecret } from "../../files/secret-file.js";
import { systemErrorText } from "../../files/system-error.js";
