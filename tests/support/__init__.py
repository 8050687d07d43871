"""What the tests share: homes, terminals, programs and servers."""
