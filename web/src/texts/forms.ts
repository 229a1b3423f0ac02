/** Numbers and counted things as a language writes them. */

export interface Forms {
  number(value: number): string;
  /** "3 events"; a language with more than two forms gives the others by their name in Intl.PluralRules. */
  plural(count: number, one: string, other: string, more?: Partial<Record<Intl.LDMLPluralRule, string>>): string;
}

export function formsOf(locale: string): Forms {
  const numbers = new Intl.NumberFormat(locale);
  const rules = new Intl.PluralRules(locale);
  const number = (value: number): string => numbers.format(value);
  return {
    number,
    plural: (count, one, other, more = {}) => `${number(count)} ${{ one, ...more }[rules.select(count)] ?? other}`,
  };
}
