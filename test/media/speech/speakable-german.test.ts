import { expect } from 'chai';
import * as fc from 'fast-check';
import { speakable } from '../../../media/speech/speakable.ts';

describe('speakable, in German', () => {
  for (const [written, spoken] of [
    ['Das macht 3,50 EUR.', 'Das macht drei Euro fünfzig.'],
    ['Das kostet **4,99 €**.', 'Das kostet vier Euro neunundneunzig.'],
    ['1 €, 1,01 € oder 0,50 €', 'ein Euro, ein Euro eins oder fünfzig Cent'],
    ['0,01 € und 12,00 Euro und 12,- €', 'ein Cent und zwölf Euro und zwölf Euro'],
    [
      '1.250 € oder €1.250,75',
      'eintausendzweihundertfünfzig Euro oder eintausendzweihundertfünfzig Euro fünfundsiebzig',
    ],
    ['3.50 € und CHF 20.05', 'drei Euro fünfzig und zwanzig Franken fünf'],
    ['1,5 Mio. € Umsatz', 'eins Komma fünf Millionen Euro Umsatz'],
    ['Um 14:30 Uhr.', 'Um vierzehn Uhr dreißig.'],
    ['Um 1:00 Uhr, 9:05 oder 14.30 Uhr', 'Um ein Uhr, neun Uhr fünf oder vierzehn Uhr dreißig'],
    ['ab 21 Uhr, bis 0:15 Uhr', 'ab einundzwanzig Uhr, bis null Uhr fünfzehn'],
    ['von 9–17 Uhr', 'von neun bis siebzehn Uhr'],
    ['in 3-5 Tagen', 'in drei bis fünf Tagen'],
    ['am 24.12.2026', 'am vierundzwanzigsten Dezember zweitausendsechsundzwanzig'],
    ['Der 3. Mai ist frei.', 'Der dritte Mai ist frei.'],
    ['am 1. Januar 1984', 'am ersten Januar neunzehnhundertvierundachtzig'],
    ['Montag, 7. Juli', 'Montag, siebter Juli'],
    ['vom 3. bis 5. Mai', 'vom dritten bis fünften Mai'],
    ['am 24.12. um 18 Uhr', 'am vierundzwanzigsten Dezember um achtzehn Uhr'],
    ['der 2026-01-31', 'der einunddreißigste Januar zweitausendsechsundzwanzig'],
    ['im 2. Stock, die 21. Etage', 'im zweiten Stock, die einundzwanzigste Etage'],
    ['in der 3. Etage', 'in der dritten Etage'],
    ['Es gibt 3. Danach nichts.', 'Es gibt drei. Danach nichts.'],
    ['21 Gäste, 101 Tische', 'einundzwanzig Gäste, einhunderteins Tische'],
    ['1 Pizza und 2 Bier', '1 Pizza und zwei Bier'],
    ['Gleis 1.', 'Gleis eins.'],
    ['2,5 Stunden, 10.000 Leute', 'zwei Komma fünf Stunden, zehntausend Leute'],
    ['-5 °C, 1 km, 80 %', 'minus fünf Grad Celsius, ein Kilometer, achtzig Prozent'],
    ['1,5 l bei 120 km/h', 'eins Komma fünf Liter bei einhundertzwanzig Kilometer pro Stunde'],
    ['Ruf 0170 1234567 an', 'Ruf null eins sieben null, eins zwei drei vier fünf sechs sieben an'],
    ['+49 30/123456', 'plus vier neun, drei null, eins zwei drei vier fünf sechs'],
    ['Code 84920175', 'Code acht vier neun zwei null eins sieben fünf'],
    ['Obst, z. B. Äpfel, usw.', 'Obst, zum Beispiel Äpfel, und so weiter.'],
    ['d.h. ca. 5', 'das heißt circa fünf'],
    ['Dr. Schmidt bzw. Fr. Maier', 'Doktor Schmidt beziehungsweise Frau Maier'],
    ['Hauptstr. 5, § 12', 'Hauptstraße fünf, Paragraf zwölf'],
    ['Abschnitt 3.2.1 von v2', 'Abschnitt 3.2.1 von v2'],
  ] as const) {
    it(`says "${written}" as "${spoken}"`, () => {
      expect(speakable(written, 'de-DE')).to.equal(spoken);
    });
  }

  it('changes nothing that is plain words, and never fails', () => {
    const words = 'Ich hätte gern zwei Pizzen, bitte.';
    expect(speakable(words, 'de')).to.equal(words);
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => void speakable(text, 'de')));
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('0123456789.,:- €m')) }),
        (text) => void speakable(text, 'de'),
      ),
    );
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: 0, max: 1e20 }), (number) => void speakable(`${number} €`, 'de')),
    );
  });
});
