"""
Prints the outcomes in a JUnit file of CPython's test runner, one line each: name, tab, outcome; sorted. The runner does
not name a test of which a subtest failed: such a test is missing here.
"""
import sys
import xml.etree.ElementTree as ElementTree

BAD = ("error", "failure", "skipped")

if __name__ == "__main__":
    lines = set()
    for case in ElementTree.parse(sys.argv[1]).iter("testcase"):
        if name := case.get("name"):
            found = [child.tag for child in case if child.tag in BAD]
            lines.add(f"{name}\t{case.get('outcome') or (found[0] if found else 'passed')}")
    print("\n".join(sorted(lines)))
