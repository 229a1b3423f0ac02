/** Tests read English, as pages do that name no language. */

import { load, speak } from "../../src/texts";

await load("en");
speak("en");
