"""What a host is made of: namespaces, by system calls or by bubblewrap, or a plain process."""
