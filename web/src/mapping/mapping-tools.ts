/** What only the mapping's page needs: a file of its own, loaded when such a page is opened. */

import "./copy-panel";
import "./example-panel";
import "./owner-picker";
import "./rule-editor";
