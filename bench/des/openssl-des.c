/*
 * OpenSSL's single DES in C, for bench/des: prints nanoseconds of processor time per call, first for its
 * DES_* calls, then (only with the key schedule) for EVP with a new context for each call.
 *
 * usage: openssl-des ecb|cbc encrypt|decrypt bytes key|nokey milliseconds
 */
#include <openssl/des.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 6) return 2;
  int cbc = !strcmp(argv[1], "cbc"), enc = !strcmp(argv[2], "encrypt"), key = !strcmp(argv[4], "key");
  long size = atol(argv[3]);
  double limit = atof(argv[5]) * 1e6;
  unsigned char k[8] = {0x13, 0x34, 0x57, 0x79, 0x9b, 0xbc, 0xdf, 0xf1}, iv[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  unsigned char *in = calloc(1, size), *out = calloc(1, size + 8);
  long batch = size > 10000 ? 1 : 64, calls = 0, i, j;
  DES_key_schedule ks;
  DES_set_key_unchecked(&k, &ks);
  double start = now(), passed;
  do {
    for (i = 0; i < batch; i++, calls++) {
      if (key) DES_set_key_unchecked(&k, &ks);
      if (cbc)
        DES_ncbc_encrypt(in, out, size, &ks, &iv, enc);
      else
        for (j = 0; j < size; j += 8) DES_ecb_encrypt((void *)(in + j), (void *)(out + j), &ks, enc);
    }
  } while ((passed = now() - start) < limit);
  printf("%.2f", passed / calls);
  OSSL_PROVIDER_load(NULL, "default");
  EVP_CIPHER *cipher = OSSL_PROVIDER_load(NULL, "legacy") ? EVP_CIPHER_fetch(NULL, cbc ? "DES-CBC" : "DES-ECB", NULL) : NULL;
  if (key && cipher) {
    int done;
    calls = 0;
    start = now();
    do {
      for (i = 0; i < batch; i++, calls++) {
        EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        EVP_CipherInit_ex(c, cipher, NULL, k, iv, enc);
        EVP_CIPHER_CTX_set_padding(c, 0);
        EVP_CipherUpdate(c, out, &done, in, size);
        EVP_CipherFinal_ex(c, out + done, &done);
        EVP_CIPHER_CTX_free(c);
      }
    } while ((passed = now() - start) < limit);
    printf(" %.2f", passed / calls);
  }
  printf("\n");
  return 0;
}
