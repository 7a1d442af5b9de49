/** The first words that anybody would try. */
export const COMMON_PASSWORDS: readonly string[] = (
  "123456 password 12345678 qwerty abc123 letmein monkey dragon princess football baseball welcome shadow " +
  "master superman trustno1 iloveyou starwars sunshine whatever hello charlie freedom ginger summer winter"
).split(" ");
