"""What the tests share: homes, programs, shells, terminals, processes and servers."""
