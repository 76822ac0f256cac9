int main(void)
{
    return 0   /* a semicolon is missing */
}
