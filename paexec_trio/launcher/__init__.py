"""The program that starts Python for ours, and how it is built: nothing that runs imports this."""
